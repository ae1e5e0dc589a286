using System.Buffers.Text;
using Containers.Interop;

namespace Containers.Cgroups;

/// <summary>The processes of a group and the groups below it.</summary>
internal static unsafe class GroupProcesses
{
    private const int ReadSize = 16 * 1024;

    /// <summary>Descriptors of processes held at a time, well below any limit on open files.</summary>
    private const int Batch = 64;

    private static ReadOnlySpan<byte> ProcessesFile => "cgroup.procs"u8;

    /// <summary>Whether a process is in the group or below. v2 tells at once; v1 has to be asked group by group.</summary>
    public static bool IsPopulated(ControlGroup group)
    {
        if (group.IsV2)
        {
            return group.ReadKeyed("cgroup.events"u8, "populated"u8) == 1;
        }

        Span<byte> start = stackalloc byte[1];
        if (!group.Read(ProcessesFile, start).IsEmpty)
        {
            return true;
        }

        foreach (var child in group.Children())
        {
            if (IsPopulated(child))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Waits until no process is in the group; false when the time is over first.</summary>
    public static bool WaitUntilEmpty(ControlGroup group, TimeSpan patience) => group.IsV2
        ? EventsFile.Wait(group, "populated"u8, 0, patience)
        : Backoff.Until(() => !IsPopulated(group), patience);

    /// <summary>
    /// Sends SIGKILL to every process in the group and below. A process is named by a descriptor opened before its membership is
    /// confirmed, so that a number that is given out again never names a process outside.
    /// </summary>
    public static void Kill(ControlGroup group)
    {
        var processes = List(group);
        for (var at = 0; at < processes.Count; at += Batch)
        {
            var batch = processes.GetRange(at, Math.Min(Batch, processes.Count - at));
            var descriptors = batch.ConvertAll(static pid => new FileDescriptor((int)Libc.PidfdOpenCall(Libc.SysPidfdOpen, pid, 0)));
            var members = new HashSet<int>(List(group));
            for (var i = 0; i < batch.Count; i++)
            {
                using var descriptor = descriptors[i];
                if (!descriptor.IsInvalid && members.Contains(batch[i]))
                {
                    Libc.PidfdSendSignalCall(Libc.SysPidfdSendSignal, descriptor, (int)Signal.Kill, 0, 0);
                }
            }
        }

        foreach (var child in group.Children())
        {
            Kill(child);
        }
    }

    /// <summary>Moves the processes of one group to another; those that end meanwhile are no loss.</summary>
    public static void Move(ControlGroup from, ControlGroup to)
    {
        foreach (var pid in List(from))
        {
            to.TryWrite(ProcessesFile, pid);
        }
    }

    /// <summary>
    /// v1: puts the processes of a group of one hierarchy into a group of another; returns whether there were any that were not.
    /// </summary>
    public static bool CopyMembers(ControlGroup from, ControlGroup to)
    {
        var members = new HashSet<int>(List(to));
        var missing = List(from).FindAll(pid => !members.Contains(pid));
        foreach (var pid in missing)
        {
            to.TryWrite(ProcessesFile, pid);
        }

        return missing.Count > 0;
    }

    private static List<int> List(ControlGroup group)
    {
        var processes = new List<int>();
        using var fd = group.Open(ProcessesFile, Libc.OpenReadOnly);
        if (fd.IsInvalid)
        {
            return processes;
        }

        var buffer = new byte[ReadSize];
        var kept = 0;
        fixed (byte* bytes = buffer)
        {
            nint count;
            while ((count = Libc.Read(fd, bytes + kept, (nuint)(buffer.Length - kept))) > 0)
            {
                var text = buffer.AsSpan(0, kept + (int)count);
                int end;
                while ((end = text.IndexOf((byte)'\n')) >= 0)
                {
                    // 0 stands for a process of another PID namespace, which has no number here.
                    if (Utf8Parser.TryParse(text[..end], out int pid, out _) && pid > 0)
                    {
                        processes.Add(pid);
                    }

                    text = text[(end + 1)..];
                }

                text.CopyTo(buffer);
                kept = text.Length;
            }
        }

        return processes;
    }
}
