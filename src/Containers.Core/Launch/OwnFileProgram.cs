using Containers.Interop;

namespace Containers.Launch;

/// <summary>
/// Opens a file of a container that runs, for the host to change. A process of the guardian's joins the container's mounts, whose root no
/// chroot of the container's changes, and its user namespace, so that it may do no more there than the container's own root may.
/// </summary>
internal static class OwnFileProgram
{
    private const ulong Resolve = Linux.ResolveNoSymlinks | Linux.ResolveNoMagicLinks | Linux.ResolveNoCrossing;

    /// <summary>
    /// What can be in the way of a path that is not, or no longer, the engine's: nothing is there, a link stands there or on the way, or
    /// something is mounted there or on the way, which may be the host's.
    /// </summary>
    public static bool IsSomebodyElses(int? errno) => (Errno?)errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP or Errno.EXDEV;

    /// <param name="id">The guardian's number for this errand, which is passed the container's mount namespace.</param>
    /// <param name="context">The container's.</param>
    /// <param name="path">The file, below a directory of the root.</param>
    public static SyscallProgram Compile(uint id, LaunchContext context, string path)
    {
        var slash = path.LastIndexOf('/');
        var program = new ProgramBuilder();
        program.Enter(SetupPhase.JoinNamespaces);
        program.Call(SystemCall.SetNamespace, "join the namespace", nameof(NamespaceKind.Mount), Errand.Passed, (long)Linux.CloneNewMount);
        if (context.Ids is not null || context.KeptIds is not null)
        {
            JoinSteps.JoinOwner(program, Errand.Passed);
        }

        program.Enter(SetupPhase.MapIds);
        if (context.Ids is not null)
        {
            IdentitySteps.BecomeRootInside(program);
        }

        program.Enter(SetupPhase.BuildRoot);
        var directory = program.NewCell();
        var found = program.NewCell();
        var file = program.NewCell();
        var name = program.Text(path[(slash + 1)..]);
        program.Call(SystemCall.OpenAt2, "find", path[..slash], RootSteps.OpenPresent(program).Root, program.Text(path[1..slash]),
            How(program, Libc.OpenPath | Libc.OpenDirectory, Linux.ResolveInRoot), Linux.OpenHow.Size).Into(directory).Retrying();

        // By its path alone, which opens nothing: a file that is mounted there is seen only here.
        program.Call(SystemCall.OpenAt2, "find", path, directory, name, How(program, Libc.OpenPath, Linux.ResolveBeneath), Linux.OpenHow.Size).Into(found).Retrying();

        // The directory once more, attached nowhere: no device in it can be opened, and where the engine made the root read-only it can be
        // written. What else is read-only stays so: one who may mount could have put it there.
        MountCalls.Clone(program, directory, string.Empty, "clone", path[..slash], out var tree, recursive: true);
        MountCalls.SetAttributes(program, tree, "set the attributes of", path[..slash],
            new Linux.MountAttributes { Set = Linux.MountNoDevices | Linux.MountNoSetUid, Clear = context.Spec.IsRootReadOnly ? Linux.MountReadOnly : 0 }, recursive: false);

        // Without waiting for the other end of a FIFO, or for a lease (fcntl(2)) to be given back.
        program.Call(SystemCall.OpenAt2, "open for writing", path, tree, name,
            How(program, Libc.OpenReadWrite | Libc.OpenNonBlocking | Libc.OpenNoControllingTerminal, Linux.ResolveBeneath), Linux.OpenHow.Size).Into(file).Retrying();
        GuardianProgram.AppendMessage(program, LauncherMessageKind.Handover, id, [file]);
        return program.Build();
    }

    private static Argument How(ProgramBuilder program, int flags, ulong within) =>
        program.Structure(new Linux.OpenHow { Flags = (ulong)(uint)(flags | Libc.OpenCloseOnExec), Resolve = Resolve | within });
}
