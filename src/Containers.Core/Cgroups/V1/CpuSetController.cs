using Containers.Interop;

namespace Containers.Cgroups.V1;

/// <summary>The <c>cpuset</c> controller of cgroup v1 (cgroup-v1/cpusets.rst).</summary>
internal static class CpuSetController
{
    private const int ListSize = 4096;

    private static ReadOnlySpan<byte> Processors => "cpuset.cpus"u8;

    private static ReadOnlySpan<byte> MemoryNodes => "cpuset.mems"u8;

    /// <summary>A new v1 group has neither processors nor memory, and takes no process until it has both.</summary>
    public static void Inherit(ControlGroup parent, ControlGroup group)
    {
        Copy(parent, group, Processors);
        Copy(parent, group, MemoryNodes);
    }

    public static void Apply(ControlGroup parent, ControlGroup group, CpuSet? set)
    {
        if (set is null)
        {
            return;
        }

        Copy(parent, group, MemoryNodes);
        var list = System.Text.Encoding.ASCII.GetBytes(set.List);
        var errno = group.TryWrite(Processors, list);
        if (errno is Errno.EACCES or Errno.EINVAL or Errno.ERANGE)
        {
            throw new ContainerException($"allow processors {set.List} in", group.File(Processors), errno, Remedy(parent));
        }

        group.Require(errno, Processors, list);
    }

    private static string Remedy(ControlGroup parent)
    {
        Span<byte> buffer = stackalloc byte[ListSize];
        return $"Choose from {System.Text.Encoding.ASCII.GetString(parent.Read(Processors, buffer)).Trim()}.";
    }

    private static void Copy(ControlGroup parent, ControlGroup group, ReadOnlySpan<byte> file)
    {
        Span<byte> buffer = stackalloc byte[ListSize];
        Span<byte> own = stackalloc byte[ListSize];
        var list = parent.Read(file, buffer);
        if (!group.Read(file, own).Trim((byte)'\n').IsEmpty)
        {
            return;
        }

        var name = System.Text.Encoding.ASCII.GetString(file);
        if (list.Trim((byte)'\n').IsEmpty)
        {
            throw new ContainerException(
                "use the processor set of",
                parent.Path,
                Errno.EACCES,
                $"It is empty, as new ones are: an administrator fills those above it from the top, as with " +
                $"cat <group>/{name} > <group below>/{name}, for cpuset.cpus and cpuset.mems.");
        }

        group.Write(file, list.Trim((byte)'\n'));
    }
}
