using System.Runtime.InteropServices;

namespace Containers.Interop;

// What makes and reads the files of a layer, with names of bytes beneath a directory: mknodat(2), symlinkat(2), linkat(2), fchownat(2),
// utimensat(2), readlinkat(2), setxattr(2), pwrite(2), umask(2), unshare(2)
internal static unsafe partial class Libc
{
    public const int AtNoFollow = 0x100;

    /// <summary>unshare(2): this thread's working directory and umask become its own.</summary>
    public const int UnshareFileSystem = 0x200;

    [LibraryImport(Library, EntryPoint = "mkdirat", SetLastError = true)]
    public static partial int MakeDirectoryAtBytes(FileDescriptor directory, byte* name, uint mode);

    [LibraryImport(Library, EntryPoint = "mknodat", SetLastError = true)]
    public static partial int MakeNodeAtBytes(FileDescriptor directory, byte* name, uint mode, ulong device);

    [LibraryImport(Library, EntryPoint = "symlinkat", SetLastError = true)]
    public static partial int SymlinkAtBytes(byte* target, FileDescriptor directory, byte* name);

    [LibraryImport(Library, EntryPoint = "linkat", SetLastError = true)]
    public static partial int LinkAtBytes(FileDescriptor from, byte* name, FileDescriptor to, byte* newName, int flags);

    [LibraryImport(Library, EntryPoint = "readlinkat", SetLastError = true)]
    public static partial nint ReadLinkAtBytes(FileDescriptor directory, byte* name, byte* buffer, nuint size);

    [LibraryImport(Library, EntryPoint = "fchown", SetLastError = true)]
    public static partial int ChangeOwner(FileDescriptor fd, uint user, uint group);

    [LibraryImport(Library, EntryPoint = "fchownat", SetLastError = true)]
    public static partial int ChangeOwnerAtBytes(FileDescriptor directory, byte* name, uint user, uint group, int flags);

    /// <summary>Access and modification, each as seconds and nanoseconds.</summary>
    [LibraryImport(Library, EntryPoint = "futimens", SetLastError = true)]
    public static partial int SetTimes(FileDescriptor fd, long* times);

    [LibraryImport(Library, EntryPoint = "utimensat", SetLastError = true)]
    public static partial int SetTimesAtBytes(FileDescriptor directory, byte* name, long* times, int flags);

    [LibraryImport(Library, EntryPoint = "fsetxattr", SetLastError = true)]
    public static partial int SetXattr(FileDescriptor fd, byte* name, byte* value, nuint size, int flags);

    [LibraryImport(Library, EntryPoint = "fgetxattr", SetLastError = true)]
    public static partial nint GetXattr(FileDescriptor fd, byte* name, byte* value, nuint size);

    [LibraryImport(Library, EntryPoint = "flistxattr", SetLastError = true)]
    public static partial nint ListXattrs(FileDescriptor fd, byte* names, nuint size);

    [LibraryImport(Library, EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint WriteAt(FileDescriptor fd, byte* buffer, nuint count, long offset);

    [LibraryImport(Library, EntryPoint = "umask")]
    public static partial uint SetFileModeMask(uint mask);

    [LibraryImport(Library, EntryPoint = "unshare", SetLastError = true)]
    public static partial int Unshare(int flags);

    [LibraryImport(Library, EntryPoint = "statx", SetLastError = true)]
    public static partial int StatxBytes(FileDescriptor directory, byte* name, int flags, uint mask, StatxBuffer* buffer);

    /// <summary>openat2(2) with a path of bytes.</summary>
    public static FileDescriptor OpenAt2Bytes(FileDescriptor directory, byte* path, Launch.Linux.OpenHow* how) =>
        OpenAt2BytesCall(OpenAt2Number, directory, path, how, Launch.Linux.OpenHow.Size);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial FileDescriptor OpenAt2BytesCall(nint number, FileDescriptor directory, byte* path, Launch.Linux.OpenHow* how, nint size);
}
