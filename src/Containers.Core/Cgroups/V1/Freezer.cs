using Containers.Interop;

namespace Containers.Cgroups.V1;

/// <summary>The <c>freezer</c> controller of cgroup v1 (cgroup-v1/freezer-subsystem.rst).</summary>
internal static class Freezer
{
    private static ReadOnlySpan<byte> State => "freezer.state"u8;

    private static ReadOnlySpan<byte> Frozen => "FROZEN"u8;

    private static ReadOnlySpan<byte> Thawed => "THAWED"u8;

    /// <summary>Returns whether all processes stand still; the group is thawed again if they do not in time.</summary>
    public static bool TryFreeze(ControlGroup group, TimeSpan patience)
    {
        if (group.TryWrite(State, Frozen) != Errno.None)
        {
            return false;
        }

        // The kernel freezes as it is asked for the state; a process that was just forked is caught by writing once more.
        var frozen = IsFrozen(group) || Backoff.Until(
            () =>
            {
                group.TryWrite(State, Frozen);
                return IsFrozen(group);
            },
            patience);
        if (!frozen)
        {
            group.TryWrite(State, Thawed);
        }

        return frozen;
    }

    public static Errno TryThaw(ControlGroup group) => group.TryWrite(State, Thawed);

    private static bool IsFrozen(ControlGroup group)
    {
        Span<byte> buffer = stackalloc byte[16];
        return group.Read(State, buffer).StartsWith(Frozen);
    }
}
