using System.Diagnostics;
using Containers.Interop;

namespace Containers.Cgroups;

/// <summary>
/// <c>cgroup.events</c> of a v2 group, which wakes who polls it whenever one of its values changes (cgroup-v2.rst, "[Un]populated
/// Notification").
/// </summary>
internal static unsafe class EventsFile
{
    private const int BufferSize = 128;

    /// <summary>Waits until a key has the value, or the group is gone; false when the time is over first.</summary>
    public static bool Wait(ControlGroup group, ReadOnlySpan<byte> key, long value, TimeSpan patience)
    {
        using var fd = group.Open("cgroup.events"u8, Libc.OpenReadOnly);
        if (fd.IsInvalid)
        {
            return true;
        }

        var started = Stopwatch.GetTimestamp();
        var buffer = stackalloc byte[BufferSize];
        while (true)
        {
            var length = Libc.ReadAt(fd, buffer, BufferSize, 0);
            if (length <= 0 || KernelText.Keyed(new ReadOnlySpan<byte>(buffer, (int)length), key) == value)
            {
                return true;
            }

            var left = patience - Stopwatch.GetElapsedTime(started);
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            var entry = new Libc.PollEntry { Descriptor = fd.Number, Events = Libc.PollPriority };
            Libc.Poll(&entry, 1, (int)Math.Min(int.MaxValue, Math.Ceiling(left.TotalMilliseconds)));
        }
    }
}
