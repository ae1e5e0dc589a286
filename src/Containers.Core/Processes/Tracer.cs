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
        return tracer is > 0 && Depth(tracer.Value) >= Depth(process) ? tracer : null;
    }

    /// <summary>In how many PID namespaces it is, the host's included.</summary>
    private static int Depth(int process) => Field(process, "NSpid:")?.Split('\t', StringSplitOptions.RemoveEmptyEntries).Length ?? 0;

    private static int? Number(int process, string name) =>
        int.TryParse(Field(process, name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string? Field(int process, string name)
    {
        try
        {
            foreach (var line in File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/status")))
            {
                if (line.StartsWith(name, StringComparison.Ordinal))
                {
                    return line[name.Length..].Trim();
                }
            }
        }
        catch (IOException)
        {
            // It has ended meanwhile: nobody holds it.
        }

        return null;
    }
}
