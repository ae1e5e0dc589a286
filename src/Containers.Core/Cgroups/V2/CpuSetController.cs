using System.Text;
using Containers.Interop;

namespace Containers.Cgroups.V2;

/// <summary>The <c>cpuset</c> controller of cgroup v2 (cgroup-v2.rst, "Cpuset").</summary>
internal static class CpuSetController
{
    private const int ListSize = 4096;

    private static ReadOnlySpan<byte> Processors => "cpuset.cpus"u8;

    private static ReadOnlySpan<byte> EffectiveProcessors => "cpuset.cpus.effective"u8;

    public static void Apply(ControlGroup parent, ControlGroup group, CpuSet? set)
    {
        if (set is null)
        {
            return;
        }

        // v2 takes any list, and where it cannot grant one it quietly runs the group on what it has.
        Span<byte> buffer = stackalloc byte[ListSize];
        var errno = group.TryWrite(Processors, Encoding.ASCII.GetBytes(set.List));
        var granted = Encoding.ASCII.GetString(group.Read(EffectiveProcessors, buffer)).Trim();
        if (errno != Errno.None || !string.Equals(granted, set.List, StringComparison.Ordinal))
        {
            var available = Encoding.ASCII.GetString(parent.Read(EffectiveProcessors, buffer)).Trim();
            throw new ContainerException(
                $"allow processors {set.List} in", group.File(Processors), errno, $"Choose from {available}.");
        }
    }
}
