using System.Globalization;
using System.Text;
using Containers.Interop;

namespace Containers.Cgroups.V1;

/// <summary>The <c>blkio</c> controller of cgroup v1 (cgroup-v1/blkio-controller.rst).</summary>
internal static class BlockIOController
{
    private const int BufferSize = 64 * 1024;

    private static ReadOnlySpan<byte> Weight => "blkio.weight"u8;

    private static ReadOnlySpan<byte> BfqWeight => "blkio.bfq.weight"u8;

    private static ReadOnlySpan<byte> ReadBytes => "blkio.throttle.read_bps_device"u8;

    private static ReadOnlySpan<byte> WriteBytes => "blkio.throttle.write_bps_device"u8;

    private static ReadOnlySpan<byte> ReadOperations => "blkio.throttle.read_iops_device"u8;

    private static ReadOnlySpan<byte> WriteOperations => "blkio.throttle.write_iops_device"u8;

    private static ReadOnlySpan<byte> ServiceBytes => "blkio.throttle.io_service_bytes_recursive"u8;

    private static ReadOnlySpan<byte> Serviced => "blkio.throttle.io_serviced_recursive"u8;

    private static ReadOnlySpan<byte> RootServiceBytes => "blkio.throttle.io_service_bytes"u8;

    public static void Apply(ControlGroup group, BlockIOLimits? limits)
    {
        if (limits is null)
        {
            return;
        }

        if (limits.Weight is { } weight)
        {
            // The name says which scheduler knows weights; on most kernels now that is BFQ alone.
            var errno = group.TryWrite(Weight, weight);
            errno = errno == Errno.ENOENT ? group.TryWrite(BfqWeight, weight) : errno;
            if (errno != Errno.None)
            {
                throw new ContainerException("set the block I/O weight in", group.File(BfqWeight), errno, WeightRemedy);
            }
        }

        foreach (var device in limits.Devices)
        {
            var disk = DeviceNumber.OfDisk(device.DevicePath);
            WriteRate(group, ReadBytes, disk, device.ReadBytesPerSecond);
            WriteRate(group, WriteBytes, disk, device.WriteBytesPerSecond);
            WriteRate(group, ReadOperations, disk, device.ReadOperationsPerSecond);
            WriteRate(group, WriteOperations, disk, device.WriteOperationsPerSecond);
        }
    }

    public static CgroupUsage Read(ControlGroup group, CgroupUsage usage)
    {
        var bytes = Sum(group, ServiceBytes);
        var operations = Sum(group, Serviced);
        return usage with
        {
            BytesRead = bytes?.Read,
            BytesWritten = bytes?.Written,
            ReadOperations = operations?.Read,
            WriteOperations = operations?.Written,
        };
    }

    /// <summary>
    /// Whether this kernel counts at all. Since Linux 6.10 it does for a disk only once a rate was set for it by anyone; the
    /// hierarchy's root, where the host's own I/O counts, shows whether that is so.
    /// </summary>
    public static bool Accounts(ControlGroup root) => Sum(root, RootServiceBytes) is not null;

    private const string WeightRemedy =
        "The kernel's BFQ scheduler has weights: load its module (modprobe bfq), or give rates for the devices instead.";

    private static void WriteRate(ControlGroup group, ReadOnlySpan<byte> file, DeviceNumber disk, long? rate)
    {
        if (rate is not null)
        {
            group.Write(file, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{disk} {rate}")));
        }
    }

    /// <summary>
    /// Adds lines "8:0 Read 4096" of all disks. A file with nothing but the total has seen no disk that is counted: null, for it
    /// cannot be told from I/O that was not counted.
    /// </summary>
    private static (long Read, long Written)? Sum(ControlGroup group, ReadOnlySpan<byte> file)
    {
        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            var text = group.Read(file, buffer);
            var found = false;
            var (read, written) = (0L, 0L);
            foreach (var range in text.Split((byte)'\n'))
            {
                var line = text[range];
                var space = line.IndexOf((byte)' ');
                if (space > 0 && line[..space].Contains((byte)':'))
                {
                    found = true;
                    read += KernelText.Keyed(line[(space + 1)..], "Read"u8) ?? 0;
                    written += KernelText.Keyed(line[(space + 1)..], "Write"u8) ?? 0;
                }
            }

            return found ? (read, written) : null;
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
