using System.Runtime.InteropServices;

namespace Containers.Interop;

// open(2), read(2), write(2), close(2), pipe2(2), memfd_create(2), mkdir(2), rmdir(2), fcntl(2)
internal static unsafe partial class Libc
{
    public const int AtFdCwd = -100;
    public const int AtRemoveDir = 0x200;
    public const int AtEmptyPath = 0x1000;
    public const int AtRecursive = 0x8000;

    public const int OpenReadOnly = 0;
    public const int OpenWriteOnly = 1;
    public const int OpenReadWrite = 2;
    public const int OpenCreate = 0x40;
    public const int OpenExclusive = 0x80;
    public const int OpenTruncate = 0x200;
    public const int OpenNoControllingTerminal = 0x100;
    public const int OpenNonBlocking = 0x800;
    public const int OpenCloseOnExec = 0x80000;
    public const int OpenPath = 0x200000;

    // O_DIRECTORY and O_NOFOLLOW are among the few flags that differ by architecture (asm/fcntl.h).
    public static readonly int OpenDirectory = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;
    public static readonly int OpenTemporaryFile = 0x400000 | OpenDirectory;
    public static readonly int OpenNoFollow = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    public const uint MemfdCloseOnExec = 1;
    public const uint MemfdAllowSealing = 2;
    public const uint MemfdNoExecSeal = 0x8;
    public const uint MemfdExec = 0x10;
    public const int FcntlGetFlags = 3;
    public const int FcntlSetFlags = 4;
    public const int FcntlAddSeals = 1033;
    public const int FcntlGetSeals = 1034;
    public const int SealSeal = 1;
    public const int SealShrink = 2;
    public const int SealGrow = 4;
    public const int SealWrite = 8;

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial FileDescriptor Open(string path, int flags, uint mode = 0);

    [LibraryImport(Library, EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial FileDescriptor OpenAt(int directory, string path, int flags, uint mode = 0);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(FileDescriptor fd, byte* buffer, nuint count);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(FileDescriptor fd, byte* buffer, nuint count);

    [LibraryImport(Library, EntryPoint = "pread", SetLastError = true)]
    public static partial nint ReadAt(FileDescriptor fd, byte* buffer, nuint count, long offset);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int fd);

    [LibraryImport(Library, EntryPoint = "pipe2", SetLastError = true)]
    public static partial int Pipe2(int* fds, int flags);

    [LibraryImport(Library, EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial FileDescriptor MemfdCreate(string name, uint flags);

    [LibraryImport(Library, EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int SetLength(FileDescriptor file, long length);

    [LibraryImport(Library, EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(FileDescriptor fd, long length);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Fcntl(FileDescriptor fd, int command, nint argument);

    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(FileDescriptor fd, nuint request, void* argument);

    [LibraryImport(Library, EntryPoint = "fchmod", SetLastError = true)]
    public static partial int ChangeMode(FileDescriptor fd, uint mode);

    [LibraryImport(Library, EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MakeDirectory(string path, uint mode);

    [LibraryImport(Library, EntryPoint = "rmdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int RemoveDirectory(string path);

    /// <summary>openat2(2), which the C library does not wrap.</summary>
    public static FileDescriptor OpenAt2(FileDescriptor directory, string path, Launch.Linux.OpenHow* how) =>
        OpenAt2Call(OpenAt2Number, directory, path, how, Launch.Linux.OpenHow.Size);

    /// <summary>open_tree(2)</summary>
    public static FileDescriptor OpenTree(FileDescriptor directory, string path, int flags) => OpenTreeCall(OpenTreeNumber, directory, path, flags);

    /// <summary>mount_setattr(2)</summary>
    public static int SetMountAttributes(FileDescriptor mount, int flags, Launch.Linux.MountAttributes* attributes) =>
        (int)MountSetAttributesCall(MountSetAttributesNumber, mount, string.Empty, flags, attributes, Launch.Linux.MountAttributes.Size);

    /// <summary>landlock_create_ruleset(2) asked for its version; negative where there is none.</summary>
    public static int LandlockVersion() => (int)LandlockCreateRulesetCall(LandlockCreateRulesetNumber, 0, 0, 1);

    // Calls since Linux 5.0 have one number on every machine (asm-generic/unistd.h).
    private const nint OpenTreeNumber = 428;
    private const nint OpenAt2Number = 437;
    private const nint MountSetAttributesNumber = 442;
    private const nint LandlockCreateRulesetNumber = 444;

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial FileDescriptor OpenAt2Call(nint number, FileDescriptor directory, string path, Launch.Linux.OpenHow* how, nint size);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint LandlockCreateRulesetCall(nint number, nint attributes, nint size, nint flags);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial FileDescriptor OpenTreeCall(nint number, FileDescriptor directory, string path, nint flags);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint MountSetAttributesCall(
        nint number, FileDescriptor mount, string path, nint flags, Launch.Linux.MountAttributes* attributes, nint size);

    /// <summary>The free blocks and inodes of fstatfs(2); false: the errno is in <see cref="ErrnoNames.Last"/>.</summary>
    public static bool TryGetFree(FileDescriptor fd, out ulong blocks, out ulong inodes)
    {
        // struct statfs of 64-bit machines: type, block size, blocks, free, available, files, free files, ...
        var values = stackalloc ulong[32];
        var success = FileSystemStatus(fd, values) == 0;
        blocks = values[3];
        inodes = values[6];
        return success;
    }

    [LibraryImport(Library, EntryPoint = "fstatfs", SetLastError = true)]
    private static partial int FileSystemStatus(FileDescriptor fd, ulong* values);
}
