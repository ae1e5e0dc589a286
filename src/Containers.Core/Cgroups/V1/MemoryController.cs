using Containers.Interop;
using Containers.Specification;

namespace Containers.Cgroups.V1;

/// <summary>The <c>memory</c> controller of cgroup v1 (Documentation/admin-guide/cgroup-v1/memory.rst).</summary>
internal static class MemoryController
{
    private static ReadOnlySpan<byte> Limit => "memory.limit_in_bytes"u8;

    private static ReadOnlySpan<byte> LimitWithSwap => "memory.memsw.limit_in_bytes"u8;

    private static ReadOnlySpan<byte> SoftLimit => "memory.soft_limit_in_bytes"u8;

    private static ReadOnlySpan<byte> Swappiness => "memory.swappiness"u8;

    private static ReadOnlySpan<byte> Usage => "memory.usage_in_bytes"u8;

    private static ReadOnlySpan<byte> MaxUsage => "memory.max_usage_in_bytes"u8;

    private static ReadOnlySpan<byte> OomControl => "memory.oom_control"u8;

    private static ReadOnlySpan<byte> EventControl => "cgroup.event_control"u8;

    public static void Apply(ControlGroup group, ResourceLimits limits)
    {
        if (limits.Memory is { } memory)
        {
            ApplyLimit(group, memory.Bytes, limits.Swap?.Bytes);
        }
        else if (limits.Swap is not null)
        {
            throw new ContainerException("limit swap in", group.File(LimitWithSwap), Errno.None, "Set a memory limit with it.");
        }

        if (limits.MemoryReservation is { } reservation)
        {
            group.Write(SoftLimit, reservation.Bytes);
        }
    }

    public static CgroupUsage Read(ControlGroup group, UsageDetail detail, CgroupUsage usage)
    {
        var peak = group.ReadNumber(MaxUsage);
        return usage with
        {
            Memory = detail == UsageDetail.Current ? group.ReadNumber(Usage) : null,
            PeakMemory = peak,
            PeakMemorySource = peak is null ? MemoryPeakSource.NotAvailable : MemoryPeakSource.MaxUsageInBytes,
            OomKills = ReadOomKills(group),
        };
    }

    /// <summary>The line is there since Linux 4.13. v1 counts a kill in the victim's own group only, not in groups above it.</summary>
    public static long? ReadOomKills(ControlGroup group) => group.ReadKeyed(OomControl, "oom_kill"u8);

    /// <summary>
    /// Returns an eventfd that counts up when the group runs out of memory, and once more when it is removed
    /// (memory.rst, "OOM Control").
    /// </summary>
    public static FileDescriptor OpenOomNotification(ControlGroup group)
    {
        var notification = Libc.EventCreate(0, Libc.EventCloseOnExec | Libc.EventNonBlocking);
        if (notification.IsInvalid)
        {
            throw new ContainerException("eventfd for", group.File(OomControl), ErrnoNames.Last);
        }

        try
        {
            using var control = group.Open(OomControl, Libc.OpenReadOnly);
            if (control.IsInvalid)
            {
                throw new ContainerException("open", group.File(OomControl), ErrnoNames.Last);
            }

            Span<byte> request = stackalloc byte[32];
            System.Text.Unicode.Utf8.TryWrite(request, $"{notification.Number} {control.Number}", out var length);
            group.Write(EventControl, request[..length]);
            return notification;
        }
        catch
        {
            notification.Dispose();
            throw;
        }
    }

    private static void ApplyLimit(ControlGroup group, long memory, long? swap)
    {
        // The kernel keeps memory <= memory+swap at each write: a new group, or a lower limit, takes memory first, a higher one last.
        var total = swap is { } extra && extra > long.MaxValue - memory ? long.MaxValue : memory + (swap ?? 0);
        var first = group.TryWrite(Limit, memory);
        if (first is not (Errno.None or Errno.EINVAL))
        {
            group.Write(Limit, memory);
        }

        var withSwap = group.TryWrite(LimitWithSwap, total);
        if (withSwap == Errno.ENOENT && swap is null)
        {
            // Swap is not accounted here (swapaccount=0): the group is kept from using it in the way that is left.
            group.Write(Swappiness, 0);
        }
        else if (withSwap != Errno.None)
        {
            group.Write(LimitWithSwap, total);
        }

        if (first == Errno.EINVAL)
        {
            group.Write(Limit, memory);
        }
    }
}
