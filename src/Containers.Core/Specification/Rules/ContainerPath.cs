using System.Text;

namespace Containers.Specification.Rules;

/// <summary>Paths inside a container: absolute, with no empty, <c>.</c> or <c>..</c> component.</summary>
internal static class ContainerPath
{
    /// <summary>PATH_MAX with its NUL (linux/limits.h).</summary>
    public const int MaxBytes = 4096;

    /// <summary>NAME_MAX.</summary>
    private const int MaxNameBytes = 255;

    /// <summary>
    /// The path without doubled slashes, single dots and a slash at the end. A <c>..</c> is refused rather than resolved:
    /// where a component is a symbolic link, the text alone cannot say what it means.
    /// </summary>
    public static string Normalize(string? path, string parameter)
    {
        KernelText.RequireNotEmpty(path, parameter, "The path");
        if (path![0] != '/')
        {
            throw new ArgumentException(
                $"'{Printable.Shorten(path)}' is not absolute; a path in the container starts with a slash.", parameter);
        }

        if (Encoding.UTF8.GetByteCount(path) >= MaxBytes)
        {
            throw new ArgumentException($"The path is longer than the kernel's {MaxBytes - 1} bytes (PATH_MAX).", parameter);
        }

        var normalized = new StringBuilder(path.Length);
        foreach (var range in path.AsSpan().Split('/'))
        {
            var component = path.AsSpan(range);
            if (component is "" or ".")
            {
                continue;
            }

            if (component is "..")
            {
                throw new ArgumentException($"'{Printable.Shorten(path)}' has a '..' in it; write the path it leads to.", parameter);
            }

            if (Encoding.UTF8.GetByteCount(component) > MaxNameBytes)
            {
                throw new ArgumentException($"The path has a name longer than the kernel's {MaxNameBytes} bytes (NAME_MAX).", parameter);
            }

            normalized.Append('/').Append(component);
        }

        return normalized.Length == 0 ? "/" : normalized.ToString();
    }

    /// <summary>
    /// A path something may be attached to: not the root, which the container's file system has, and not under /proc,
    /// where a mount could fake what the engine and the job read there (CVE-2019-16884 and its successors).
    /// </summary>
    public static string MountTarget(string? path, string parameter)
    {
        var target = Normalize(path, parameter);
        if (target == "/")
        {
            throw new ArgumentException("'/' is the root of the container itself; choose a path below it.", parameter);
        }

        return IsOnOrUnder(target, "/proc")
            ? throw new ArgumentException($"{target} is in /proc, which is the kernel's own; choose a path elsewhere.", parameter)
            : target;
    }

    public static bool IsOnOrUnder(string path, string ancestor) =>
        path.StartsWith(ancestor, StringComparison.Ordinal) && (path.Length == ancestor.Length || path[ancestor.Length] == '/');
}
