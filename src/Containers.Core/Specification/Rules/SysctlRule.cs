using System.Collections.Frozen;

namespace Containers.Specification.Rules;

/// <summary>
/// Kernel settings a container may change: those the kernel keeps for each namespace (sysctl(8), namespaces(7)). Any
/// other would change the host, and some of them run programs there (kernel.core_pattern, CVE-2022-0811).
/// </summary>
internal static class SysctlRule
{
    private const int MaxNameLength = 256;
    private const int MaxValueLength = 1024;

    private static readonly FrozenSet<string> OfIpcNamespace = FrozenSet.Create(
        StringComparer.Ordinal,
        "kernel.shmmax",
        "kernel.shmall",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem");

    /// <summary>The name with dots, as <c>net.ipv4.ip_forward</c>; one with slashes is rewritten.</summary>
    public static string RequireName(string? name, string parameter)
    {
        ArgumentNullException.ThrowIfNull(name, parameter);
        var dotted = name.Contains('.', StringComparison.Ordinal) ? name : name.Replace('/', '.');
        if (!IsWellFormed(dotted))
        {
            throw new ArgumentException(
                $"'{Printable.Shorten(name)}' is not the name of a kernel setting; write it as net.ipv4.ip_forward.", parameter);
        }

        return NamespaceOf(dotted) is not null
            ? dotted
            : throw new ArgumentException(
                $"{dotted} is a setting of the whole host; a container has its own of net.*, fs.mqueue.* and " +
                $"{string.Join(", ", OfIpcNamespace.Order(StringComparer.Ordinal))}.",
                parameter);
    }

    public static string RequireValue(string? value, string parameter)
    {
        ArgumentNullException.ThrowIfNull(value, parameter);
        if (value.Length is 0 or > MaxValueLength)
        {
            throw new ArgumentException($"The value of a kernel setting has 1 to {MaxValueLength} characters.", parameter);
        }

        foreach (var c in value)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not (' ' or '\t' or '_' or '-' or '.' or ',' or ':' or '/'))
            {
                throw new ArgumentException(
                    $"'{Printable.Shorten(value)}' is not a value of a kernel setting: numbers and words with spaces between them.",
                    parameter);
            }
        }

        return value;
    }

    /// <summary>The namespace that keeps a setting, or null for one of the whole host.</summary>
    public static NamespaceKind? NamespaceOf(string dotted)
    {
        if (dotted.StartsWith("net.", StringComparison.Ordinal))
        {
            return NamespaceKind.Network;
        }

        return OfIpcNamespace.Contains(dotted) || dotted.StartsWith("fs.mqueue.", StringComparison.Ordinal) ? NamespaceKind.Ipc : null;
    }

    private static bool IsWellFormed(string dotted)
    {
        if (dotted.Length is 0 or > MaxNameLength)
        {
            return false;
        }

        foreach (var range in dotted.AsSpan().Split('.'))
        {
            var component = dotted.AsSpan(range);
            if (component.IsEmpty)
            {
                return false;
            }

            foreach (var c in component)
            {
                if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c is not ('_' or '-'))
                {
                    return false;
                }
            }
        }

        return true;
    }
}
