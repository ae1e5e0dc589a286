using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Containers.Interop;
using Containers.Launch;
using Containers.RootFilesystems;
using Containers.Tar;
using Containers.UserNamespaces;

namespace Containers.Layers;

/// <summary>
/// Does with files what an ordinary user may only inside the user namespace of its engine: gives them to its subordinate ids, takes them
/// back, and opens those that are closed to it. Each is done by a child of the engine's guardian.
/// </summary>
internal sealed class SubordinateFiles
{
    private const uint OwnerOnly = 0x1C0; // 0700
    private const int LargestXattr = 65536;

    /// <summary>A program's share of its largest size: many small ones are no slower than one.</summary>
    private const int BatchBytes = LauncherFormat.MaxProgram / 8;
    private const int BytesOfFile = 512;

    private const ulong Beneath = Linux.ResolveBeneath | Linux.ResolveNoSymlinks | Linux.ResolveNoMagicLinks;

    private readonly ContainerEngine _engine;

    private SubordinateFiles(ContainerEngine engine, SubordinateIds ids)
    {
        _engine = engine;
        Ids = ids;

        // With another range, or another group, the same layer has other owners.
        var host = string.Create(CultureInfo.InvariantCulture, $"{ids.Users.First}+{ids.UserCount} {ids.Groups.First}+{ids.GroupCount} {Libc.EffectiveGroupId()}");
        Variant = "-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(host)).AsSpan(0, 4));
    }

    /// <summary>The ids that files can be given to.</summary>
    public SubordinateIds Ids { get; }

    /// <summary>What the names of layers end in whose files have these owners.</summary>
    public string Variant { get; }

    /// <summary>Null where the engine's containers have all ids of the host, or one alone.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="known">What it was before: a guardian that died may be replaced by one with other ids.</param>
    /// <exception cref="ContainerException">The engine cannot run containers here.</exception>
    public static SubordinateFiles? Of(ContainerEngine engine, SubordinateFiles? known)
    {
        if (!engine.Facts.IsRootless || (known is null && SubordinateIds.Find() is null) || engine.EnsureGuardian(GuardianKind.Own).Ids is not { } ids)
        {
            return null;
        }

        return known is not null && (known.Ids.Users, known.Ids.Groups) == (ids.Users, ids.Groups) ? known : new SubordinateFiles(engine, ids);
    }

    /// <summary>Gives files of a layer their owners, and then what a change of owner clears.</summary>
    /// <exception cref="ContainerException">One of them cannot be given.</exception>
    public void Give(FileDescriptor layer, IEnumerable<OwnedFile> files) => RunAll(layer, files, static file => file.Path, static program =>
    {
        var (fd, look, read, empty) = (program.NewCell(), How(program, Libc.OpenPath), How(program, Libc.OpenReadOnly | Libc.OpenNonBlocking), program.Text(string.Empty));
        return file =>
        {
            var path = RawText.Show(file.Path.AsSpan()[..^1]);
            var isRead = file.Mode is not null || !file.Capability.IsEmpty;
            program.Call(SystemCall.OpenAt2, "open the layer's file", path, Errand.Passed, program.Bytes(file.Path), isRead ? read : look, Linux.OpenHow.Size).Into(fd).Retrying();
            program.Call(SystemCall.ChangeOwnerAt, "change the owner of", path, fd, empty, file.User, file.Group, Libc.AtEmptyPath);
            if (file.Mode is { } mode)
            {
                program.Call(SystemCall.ChangeModeFd, "change the mode of", path, fd, mode);
            }

            if (!file.Capability.IsEmpty)
            {
                // The kernel makes it one of this user namespace, which means nothing outside (capabilities(7), version 3).
                program.Call(SystemCall.SetXattrFd, "set the capabilities of", path,
                    fd, program.Text("security.capability"), program.Bytes(file.Capability.Span), file.Capability.Length, 0).Ignoring(Errno.EOPNOTSUPP);
            }

            program.Call(SystemCall.Close, "close", path, fd);
        };
    });

    /// <summary>Removes a tree in which files may have other owners; one that is not there is no error.</summary>
    /// <exception cref="ContainerException">Something cannot be removed.</exception>
    public void RemoveTree(string path)
    {
        try
        {
            DirectoryTree.Remove(path);
        }
        catch (ContainerException refused) when (IsRefusal(refused))
        {
            TakeBack(path);
            DirectoryTree.Remove(path);
        }
    }

    /// <summary>Whether somebody with more rights could have done it.</summary>
    public static bool IsRefusal(ContainerException exception) => (Errno?)exception.ErrorNumber is Errno.EACCES or Errno.EPERM;

    /// <summary>Opens what is closed to the user; invalid, with the error as the last one, where it cannot be opened inside either.</summary>
    /// <param name="directory">Where it is; or itself, by any descriptor.</param>
    /// <param name="name">With its NUL; empty for the file itself.</param>
    /// <param name="flags">Of open(2).</param>
    public FileDescriptor Open(FileDescriptor directory, ReadOnlySpan<byte> name, int flags)
    {
        var program = new ProgramBuilder();
        program.Enter(SetupPhase.OpenSources);
        var fd = program.NewCell();
        flags |= Libc.OpenCloseOnExec;
        if (name.Length <= 1)
        {
            program.Call(SystemCall.OpenAt, "open", null, Libc.AtFdCwd, program.Text(Itself), flags, 0).Into(fd);
        }
        else
        {
            program.Call(SystemCall.OpenAt2, "open", null, Errand.Passed, program.Bytes(name), How(program, flags), Linux.OpenHow.Size).Into(fd).Retrying();
        }

        try
        {
            return Run(directory, program, [fd])[0];
        }
        catch (ContainerException refused) when (refused.ErrorNumber is not null)
        {
            var none = new FileDescriptor();
            Marshal.SetLastPInvokeError(refused.ErrorNumber.Value);
            return none;
        }
    }

    /// <summary>An attribute of a file that is closed to the user; null where it has none.</summary>
    /// <param name="file">Any descriptor of it.</param>
    /// <param name="name">With its NUL.</param>
    /// <exception cref="ContainerException">It cannot be read inside either.</exception>
    public unsafe byte[]? ReadXattr(FileDescriptor file, ReadOnlySpan<byte> name)
    {
        var program = new ProgramBuilder();
        program.Enter(SetupPhase.OpenSources);
        var (length, memory, value, none) = (program.NewCell(), program.NewCell(), (long)program.Reserve(LargestXattr), new Jump());
        program.Call(SystemCall.MemfdCreate, "create", "room for an attribute", program.Text("attribute"), Libc.MemfdCloseOnExec).Into(memory);
        program.Call(SystemCall.GetXattr, "read an attribute", null, program.Text(Itself), program.Bytes(name), value, LargestXattr)
            .Into(length).Ignoring(Errno.ENODATA, Errno.EOPNOTSUPP).OrJumpTo(none);

        // A byte in front tells one without a value from none.
        program.Call(SystemCall.Write, "copy", "an attribute", memory, value, 1);
        program.Call(SystemCall.Write, "copy", "an attribute", memory, value, length);
        program.Land(none);
        using var copied = Run(file, program, [memory])[0];
        var bytes = new byte[LargestXattr + 1];
        fixed (byte* start = bytes)
        {
            var count = Libc.ReadAt(copied, start, (nuint)bytes.Length, 0);
            return count > 0 ? bytes[1..(int)count] : null;
        }
    }

    /// <summary>Makes the user the owner of every directory of a tree, from the top: files can be removed from those.</summary>
    private unsafe void TakeBack(string path)
    {
        using var top = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenNoFollow | Libc.OpenCloseOnExec);
        if (top.IsInvalid)
        {
            throw new ContainerException("open for removal", path, ErrnoNames.Last);
        }

        var own = new Stack<byte[]>([[0]]);
        while (own.Count > 0)
        {
            var others = new List<byte[]>();
            while (own.TryPop(out var directory))
            {
                Sort(top, directory, own, others);
            }

            RunAll(top, others, static name => name, static program =>
            {
                var (fd, how, empty) = (program.NewCell(), How(program, Libc.OpenPath), program.Text(string.Empty));
                return name =>
                {
                    program.Call(SystemCall.OpenAt2, "open for removal", null, Errand.Passed, program.Bytes(name), how, Linux.OpenHow.Size).Into(fd).Retrying();
                    program.Call(SystemCall.ChangeOwnerAt, "take back", "a directory", fd, empty, 0, 0, Libc.AtEmptyPath);
                    program.Call(SystemCall.Close, "close", null, fd);
                };
            });
            others.ForEach(own.Push);
        }
    }

    /// <summary>Directories in a directory of the user's own, by their owners.</summary>
    private static unsafe void Sort(FileDescriptor top, byte[] path, Stack<byte[]> own, List<byte[]> others)
    {
        var how = new Linux.OpenHow { Flags = (ulong)(uint)(Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenNoFollow | Libc.OpenCloseOnExec), Resolve = Beneath };
        byte[] name = path.Length == 1 ? [(byte)'.', 0] : path;
        fixed (byte* start = name)
        {
            // Nobody else can be in the tree; it may be closed even to its owner.
            _ = Libc.ChangeModeAtBytes(top, start, OwnerOnly, 0);
            using var directory = Libc.OpenAt2Bytes(top, start, &how);
            if (directory.IsInvalid)
            {
                throw new ContainerException("open for removal", RawText.Show(name.AsSpan()[..^1]), ErrnoNames.Last);
            }

            foreach (var below in SortedNames.Read(directory, name, int.MaxValue))
            {
                if (LayerDirectories.TryStat(directory, below, out var status) && TreeFiles.Kind(status) == FileKind.Directory)
                {
                    byte[] whole = path.Length == 1 ? below : [.. path.AsSpan(0, path.Length - 1), (byte)'/', .. below];
                    if (status.UserId == Libc.EffectiveUserId())
                    {
                        own.Push(whole);
                    }
                    else
                    {
                        others.Add(whole);
                    }
                }
            }
        }
    }

    /// <summary>Does something to each file, in as many programs as that takes.</summary>
    private void RunAll<T>(FileDescriptor tree, IEnumerable<T> files, Func<T, byte[]> path, Func<ProgramBuilder, Action<T>> begin)
    {
        ProgramBuilder? program = null;
        Action<T>? append = null;
        var size = 0;
        foreach (var file in files)
        {
            if (program is null)
            {
                program = new ProgramBuilder();
                program.Enter(SetupPhase.OpenSources);
                append = begin(program);
            }

            append!(file);
            size += BytesOfFile + path(file).Length;
            if (size > BatchBytes)
            {
                Run(tree, program, []);
                (program, size) = (null, 0);
            }
        }

        if (program is not null)
        {
            Run(tree, program, []);
        }
    }

    /// <summary>Runs the program to its end, which it tells by handing over descriptors, or none.</summary>
    private IReadOnlyList<FileDescriptor> Run(FileDescriptor passed, ProgramBuilder program, ReadOnlySpan<Argument> handed)
    {
        var guardian = _engine.EnsureGuardian(GuardianKind.Own);
        if (guardian.Ids is null)
        {
            throw new ContainerException("reach files of subordinate ids", null, Errno.EPERM, "They could be mapped before, and can no longer be: see the engine's log.");
        }

        var id = guardian.NextId();
        GuardianProgram.AppendMessage(program, LauncherMessageKind.Handover, id, handed);
        using var compiled = program.Build();
        using var errand = Errand.Start(guardian, id, compiled, passed: passed);
        try
        {
            var descriptors = errand.Handed.GetAwaiter().GetResult();
            errand.Ended.GetAwaiter().GetResult();
            return descriptors;
        }
        catch
        {
            _ = errand.Ended.Exception;
            throw;
        }
    }

    private static string Itself { get; } = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{Errand.Passed}");

    private static Argument How(ProgramBuilder program, int flags) => program.Structure(new Linux.OpenHow
    {
        Flags = (ulong)(uint)(flags | Libc.OpenNoFollow | Libc.OpenCloseOnExec),
        Resolve = Beneath,
    });
}
