using System.Runtime.InteropServices;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>Who the job is and what it may: limits, groups, ids, capabilities. The same for a start and an exec.</summary>
internal static class IdentitySteps
{
    private const uint CapabilityVersion3 = 0x20080522;

    public static void SetLimits(ProgramBuilder program, LaunchContext context)
    {
        foreach (var limit in context.ResourceLimits)
        {
            SetLimit(program, limit);
        }
    }

    public static void SetLimit(ProgramBuilder program, in ResourceLimitValue limit)
    {
        ReadOnlySpan<ulong> values = [limit.Soft, limit.Hard];
        program.Call(SystemCall.ResourceLimit, "set the limit", limit.Name, 0, limit.Resource, program.Bytes(MemoryMarshal.AsBytes(values)), 0);
    }

    /// <summary>
    /// In its user namespace the process still is the host's root, whom nobody inside knows: what it makes from here on belongs to
    /// the container's root. The ids of the engine's groups are let go of as well.
    /// </summary>
    public static void BecomeRootInside(ProgramBuilder program)
    {
        program.Call(SystemCall.SetGroups, "leave the groups of", "the host", 0, 0);
        program.Call(SystemCall.SetGroupIds, "become root of", "the user namespace", 0, 0, 0);
        program.Call(SystemCall.SetUserIds, "become root of", "the user namespace", 0, 0, 0);
    }

    /// <summary>A session keyring of its own: keys of the host, and of other containers, are not found (keyrings(7)).</summary>
    public static void JoinFreshKeyring(ProgramBuilder program)
    {
        const int JoinSessionKeyring = 1;

        // Without the call in this kernel, or below a filter that refuses it, there are no keys to find either.
        program.Call(SystemCall.KeyControl, "start with", "an empty keyring", JoinSessionKeyring, 0).Ignoring(Errno.ENOSYS, Errno.EPERM);
    }

    /// <summary>What is not in the bounding set can never come back, whatever file is executed.</summary>
    public static void DropBoundingSet(ProgramBuilder program, int lastCapability, ulong keep)
    {
        for (var capability = 0; capability <= lastCapability; capability++)
        {
            if ((keep & (1UL << capability)) == 0)
            {
                program.Call(SystemCall.Prctl, "drop from the bounding set", Capabilities.Name(capability), Linux.PrCapabilityBoundingSetDrop, capability, 0, 0, 0);
            }
        }
    }

    public static void SetGroups(ProgramBuilder program, LaunchContext context)
    {
        var user = context.User;
        if (context.HasManyIds)
        {
            // Exactly these: the groups of whoever runs the engine never reach the job (CVE-2022-36109).
            program.Call(SystemCall.SetGroups, "set the supplementary groups", null, user.Groups.Length, program.Bytes(MemoryMarshal.AsBytes(user.Groups.AsSpan())));
        }

        program.Call(SystemCall.SetGroupIds, "set the group", null, user.GroupId, user.GroupId, user.GroupId);
    }

    public static void SetUser(ProgramBuilder program, LaunchContext context) =>
        program.Call(SystemCall.SetUserIds, "set the user", null, context.User.UserId, context.User.UserId, context.User.UserId);

    /// <summary>
    /// Permitted and effective. Inheritable and ambient stay empty, so that nothing comes back through execve (CVE-2022-29162).
    /// </summary>
    /// <param name="program">The program.</param>
    /// <param name="allowed">What root may.</param>
    /// <param name="ambient">What goes on to every program executed, also of other users: inheritable and ambient.</param>
    public static void SetCapabilities(ProgramBuilder program, ulong allowed, ulong ambient = 0)
    {
        ReadOnlySpan<uint> header = [CapabilityVersion3, 0];
        ReadOnlySpan<uint> sets = [(uint)allowed, (uint)allowed, (uint)ambient, (uint)(allowed >> 32), (uint)(allowed >> 32), (uint)(ambient >> 32)];
        program.Call(SystemCall.Prctl, "clear the ambient capabilities", null, Linux.PrCapabilityAmbient, Linux.PrCapabilityAmbientClearAll, 0, 0, 0);
        program.Call(SystemCall.SetCapabilities, "set the capabilities", null, program.Bytes(MemoryMarshal.AsBytes(header)), program.Bytes(MemoryMarshal.AsBytes(sets)));
        for (var capability = 0; ambient >> capability != 0; capability++)
        {
            if ((ambient & (1UL << capability)) != 0)
            {
                program.Call(SystemCall.Prctl, "make ambient", Capabilities.Name(capability), Linux.PrCapabilityAmbient, Linux.PrCapabilityAmbientRaise, capability, 0, 0);
            }
        }
    }

    /// <summary>The change of the user would clear the permitted set, of which the ambient ones are kept (prctl(2), PR_SET_KEEPCAPS).</summary>
    public static void KeepCapabilities(ProgramBuilder program) =>
        program.Call(SystemCall.Prctl, "keep the capabilities over", "the change of the user", Linux.PrSetKeepCapabilities, 1, 0, 0, 0);

    public static void SetNoNewPrivileges(ProgramBuilder program) =>
        program.Call(SystemCall.Prctl, "set no_new_privs", null, Linux.PrSetNoNewPrivileges, 1, 0, 0, 0);

    /// <summary>
    /// Enters the working directory as the job's own user, by a descriptor that was resolved inside the root, and makes sure that the
    /// kernel can name it from there: a directory outside would read "(unreachable)" (CVE-2024-21626).
    /// </summary>
    public static void EnterWorkingDirectory(ProgramBuilder program, string path, Cell directory)
    {
        const int BufferSize = 4096;
        program.Call(SystemCall.ChangeDirectoryFd, "enter working directory", path, directory);
        var buffer = program.Reserve(BufferSize);
        program.Call(SystemCall.GetCurrentDirectory, "verify working directory", path, (long)buffer, BufferSize);
        program.Add(StepOperation.Assert, "verify that inside the container is", path, (long)buffer, 0xff, (long)'/', (long)Errno.EXDEV);
    }
}
