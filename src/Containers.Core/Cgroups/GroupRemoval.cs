using Containers.Interop;

namespace Containers.Cgroups;

/// <summary>Removes groups from the bottom up.</summary>
internal static class GroupRemoval
{
    /// <summary>How long processes that were killed may take to leave; one in uninterruptible I/O may take longer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Removes a group with all below it; one that is gone already is no error.</summary>
    /// <exception cref="ContainerException">Processes are still in it.</exception>
    public static void Remove(ControlGroup group)
    {
        var errno = group.TryRemove();
        if (errno == Errno.EBUSY)
        {
            foreach (var child in group.Children())
            {
                Remove(child);
            }

            errno = group.TryRemove();
        }

        if (errno == Errno.EBUSY)
        {
            GroupProcesses.WaitUntilEmpty(group, Patience);

            // The last process leaves the group an instant before the group may be removed.
            Backoff.Until(() => (errno = group.TryRemove()) != Errno.EBUSY, TimeSpan.FromSeconds(1));
        }

        if (errno is not (Errno.None or Errno.ENOENT or Errno.ENODEV))
        {
            throw new ContainerException(
                "remove the control group",
                group.Path,
                errno,
                errno == Errno.EBUSY ? $"Processes in it have not ended; see {group.Path}/cgroup.procs for them." : null);
        }
    }
}
