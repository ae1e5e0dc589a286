using Containers.Interop;

namespace Containers.Cgroups.V2;

/// <summary>Freezing on cgroup v2 (cgroup-v2.rst, "cgroup.freeze"), since Linux 5.2.</summary>
internal static class Freezer
{
    private static ReadOnlySpan<byte> State => "cgroup.freeze"u8;

    /// <summary>Returns whether all processes stand still; the group is thawed again if they do not in time.</summary>
    public static bool TryFreeze(ControlGroup group, TimeSpan patience)
    {
        if (group.TryWrite(State, 1) == Errno.None && EventsFile.Wait(group, "frozen"u8, 1, patience))
        {
            return true;
        }

        group.TryWrite(State, 0);
        return false;
    }

    public static Errno TryThaw(ControlGroup group) => group.TryWrite(State, 0);
}
