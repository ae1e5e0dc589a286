using System.Globalization;
using System.Text;
using Containers.Interop;

namespace Containers.Cgroups.V2;

/// <summary>The <c>io</c> controller of cgroup v2 (cgroup-v2.rst, "IO").</summary>
internal static class BlockIOController
{
    private const int BufferSize = 64 * 1024;

    // BlockIOLimits.Weight has v1's range, io.weight its own.
    private const int LeastShare = 10;
    private const int MostShare = 1000;
    private const int MostWeight = 10000;

    private static ReadOnlySpan<byte> Limit => "io.max"u8;

    private static ReadOnlySpan<byte> Weight => "io.weight"u8;

    private static ReadOnlySpan<byte> BfqWeight => "io.bfq.weight"u8;

    private static ReadOnlySpan<byte> Statistics => "io.stat"u8;

    public static void Apply(ControlGroup group, BlockIOLimits? limits)
    {
        if (limits is null)
        {
            return;
        }

        if (limits.Weight is { } share)
        {
            ApplyWeight(group, share);
        }

        foreach (var device in limits.Devices)
        {
            var line = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{DeviceNumber.OfDisk(device.DevicePath)}");
            AppendRate(line, "rbps", device.ReadBytesPerSecond);
            AppendRate(line, "wbps", device.WriteBytesPerSecond);
            AppendRate(line, "riops", device.ReadOperationsPerSecond);
            AppendRate(line, "wiops", device.WriteOperationsPerSecond);
            group.Write(Limit, Encoding.ASCII.GetBytes(line.ToString()));
        }
    }

    public static CgroupUsage Read(ControlGroup group, CgroupUsage usage)
    {
        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            // An empty file is a group that did no I/O: v2 counts on every disk.
            var text = group.Read(Statistics, buffer);
            var (readBytes, writtenBytes, reads, writes) = (0L, 0L, 0L, 0L);
            foreach (var range in text.Split((byte)'\n'))
            {
                var line = text[range];
                readBytes += KernelText.Nested(line, "rbytes"u8) ?? 0;
                writtenBytes += KernelText.Nested(line, "wbytes"u8) ?? 0;
                reads += KernelText.Nested(line, "rios"u8) ?? 0;
                writes += KernelText.Nested(line, "wios"u8) ?? 0;
            }

            return usage with { BytesRead = readBytes, BytesWritten = writtenBytes, ReadOperations = reads, WriteOperations = writes };
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void ApplyWeight(ControlGroup group, int share)
    {
        // BFQ has v1's range; io.weight, of iocost, is 1 to 10000 for the same span.
        var errno = group.TryWrite(BfqWeight, share);
        var other = group.TryWrite(Weight, 1 + ((share - LeastShare) * (long)(MostWeight - 1) / (MostShare - LeastShare)));
        if (errno != Errno.None && other != Errno.None)
        {
            throw new ContainerException(
                "set the block I/O weight in",
                group.File(Weight),
                other,
                "The kernel's iocost or BFQ has weights (modprobe bfq); or give rates for the devices instead.");
        }
    }

    private static void AppendRate(StringBuilder line, string name, long? rate)
    {
        if (rate is not null)
        {
            line.Append(CultureInfo.InvariantCulture, $" {name}={rate}");
        }
    }
}
