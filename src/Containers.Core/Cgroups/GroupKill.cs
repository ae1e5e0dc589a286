using Containers.Interop;

namespace Containers.Cgroups;

/// <summary>Kills everything in a group and below.</summary>
internal static class GroupKill
{
    /// <summary>How long killed processes may take; only one in uninterruptible I/O takes longer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan FreezePatience = TimeSpan.FromMilliseconds(200);

    /// <summary>Returns whether the group is empty.</summary>
    /// <param name="group">The group.</param>
    /// <param name="isFreezer">
    /// On v1, whether it is in the hierarchy of the freezer, which stops a fork bomb from outrunning the kills.
    /// </param>
    /// <param name="patience">How long to wait until it is empty; zero sends the kills and looks once.</param>
    public static bool Kill(ControlGroup group, bool isFreezer, TimeSpan patience)
    {
        if (group.IsV2)
        {
            // Since Linux 5.14, the oldest that is supported. It reaches frozen processes and those forked meanwhile.
            var errno = group.TryWrite("cgroup.kill"u8, 1);
            return errno is Errno.ENOENT or Errno.ENODEV || EventsFile.Wait(group, "populated"u8, 0, patience);
        }

        return !GroupProcesses.IsPopulated(group) || Backoff.Until(
            () =>
            {
                KillOnce(group, isFreezer);
                return !GroupProcesses.IsPopulated(group);
            },
            patience);
    }

    private static void KillOnce(ControlGroup group, bool isFreezer)
    {
        if (isFreezer)
        {
            V1.Freezer.TryFreeze(group, FreezePatience);
        }

        GroupProcesses.Kill(group);
        if (isFreezer)
        {
            // What is frozen dies when it is let go.
            V1.Freezer.TryThaw(group);
        }
    }
}
