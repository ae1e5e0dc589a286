using Containers.Interop;
using Containers.Specification;

namespace Containers.Cgroups.V2;

/// <summary>
/// The <c>memory</c> controller of cgroup v2 (Documentation/admin-guide/cgroup-v2.rst, "Memory"). <c>memory.oom.group</c> stays 0: a
/// job whose child is killed for want of memory may go on.
/// </summary>
internal static class MemoryController
{
    private static ReadOnlySpan<byte> Limit => "memory.max"u8;

    private static ReadOnlySpan<byte> SwapLimit => "memory.swap.max"u8;

    private static ReadOnlySpan<byte> Low => "memory.low"u8;

    private static ReadOnlySpan<byte> Usage => "memory.current"u8;

    private static ReadOnlySpan<byte> Peak => "memory.peak"u8;

    private static ReadOnlySpan<byte> Events => "memory.events"u8;

    public static void Apply(ControlGroup group, ResourceLimits limits)
    {
        if (limits.Memory is { } memory)
        {
            group.Write(Limit, memory.Bytes);

            // Without swap in the kernel the file is not there, and there is no swap to be kept from.
            var swap = limits.Swap?.Bytes ?? 0;
            var errno = group.TryWrite(SwapLimit, swap);
            if (errno != Errno.None && !(errno == Errno.ENOENT && swap == 0))
            {
                group.Write(SwapLimit, swap);
            }
        }
        else if (limits.Swap is not null)
        {
            throw new ContainerException("limit swap in", group.File(SwapLimit), Errno.None, "Set a memory limit with it.");
        }

        if (limits.MemoryReservation is { } reservation)
        {
            group.Write(Low, reservation.Bytes);
        }
    }

    public static CgroupUsage Read(ControlGroup group, UsageDetail detail, CgroupUsage usage)
    {
        var peak = group.ReadNumber(Peak);
        return usage with
        {
            Memory = detail == UsageDetail.Current ? group.ReadNumber(Usage) : null,
            PeakMemory = peak,
            PeakMemorySource = peak is null ? MemoryPeakSource.NotAvailable : MemoryPeakSource.MemoryPeak,
            OomKills = ReadOomKills(group),
        };
    }

    /// <summary>Counts kills in groups below, too.</summary>
    public static long? ReadOomKills(ControlGroup group) => group.ReadKeyed(Events, "oom_kill"u8);

    /// <summary>Returns an inotify descriptor that becomes readable when <c>memory.events</c> changes.</summary>
    public static FileDescriptor OpenOomNotification(ControlGroup group)
    {
        var notification = Libc.InotifyInit(Libc.InotifyCloseOnExec | Libc.InotifyNonBlocking);
        if (notification.IsInvalid)
        {
            throw new ContainerException("inotify for", group.File(Events), ErrnoNames.Last);
        }

        if (Libc.InotifyAddWatch(notification, group.File(Events), Libc.InotifyModify) < 0)
        {
            var errno = ErrnoNames.Last;
            notification.Dispose();
            throw new ContainerException("watch", group.File(Events), errno);
        }

        return notification;
    }
}
