using System.Globalization;

namespace Containers.Processes;

/// <summary>
/// Who traces a process of a container (ptrace(2)). A process that is killed stops once more for a tracer that asked for it
/// (PTRACE_O_TRACEEXIT), and as a zombie waits to be seen by it; a job could hold itself, or a command that joins it, for ever.
/// </summary>
internal static class Tracer
{
    /// <summary>The tracer, where it is inside the container; null where there is none, or where it is the host's, which may wait.</summary>
    public static int? Of(int process)
    {
        var tracer = Number(process, "TracerPid:");
        return tracer is > 0 && IsInside(tracer.Value, process) ? tracer : null;
    }

    /// <summary>Deep enough to be the container's; where that is no deeper than the host, in its control groups too.</summary>
    private static bool IsInside(int tracer, int process)
    {
        var depth = Depth(process);
        return Depth(tracer) >= depth && (depth > Depth(Environment.ProcessId) || Text(tracer, "cgroup") is { } groups && groups == Text(process, "cgroup"));
    }

    /// <summary>In how many PID namespaces it is, the host's included.</summary>
    private static int Depth(int process) => Field(process, "NSpid:")?.Split('\t', StringSplitOptions.RemoveEmptyEntries).Length ?? 0;

    private static int? Number(int process, string name) =>
        int.TryParse(Field(process, name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string? Field(int process, string name)
    {
        foreach (var line in Text(process, "status")?.Split('\n') ?? [])
        {
            if (line.StartsWith(name, StringComparison.Ordinal))
            {
                return line[name.Length..].Trim();
            }
        }

        return null;
    }

    private static string? Text(int process, string file)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/{file}"));
        }
        catch (IOException)
        {
            // It has ended meanwhile: nobody holds it.
            return null;
        }
    }
}
