using System.Runtime.InteropServices;

namespace Containers.Interop;

/// <summary>Names in a directory, as the bytes they are: openat(2), unlinkat(2), renameat(2), fchmodat(2), getdents64(2).</summary>
internal static unsafe partial class Libc
{
    public const int AtRemoveDirectory = 0x200;

    [LibraryImport(Library, EntryPoint = "openat", SetLastError = true)]
    public static partial FileDescriptor OpenAtBytes(FileDescriptor directory, byte* name, int flags, uint mode = 0);

    [LibraryImport(Library, EntryPoint = "unlinkat", SetLastError = true)]
    public static partial int UnlinkAtBytes(FileDescriptor directory, byte* name, int flags);

    [LibraryImport(Library, EntryPoint = "renameat", SetLastError = true)]
    public static partial int RenameAtBytes(FileDescriptor from, byte* name, FileDescriptor to, byte* newName);

    [LibraryImport(Library, EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(FileDescriptor fd, long offset, int whence);

    [LibraryImport(Library, EntryPoint = "chmod", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ChangeModeOf(string path, uint mode);

    [LibraryImport(Library, EntryPoint = "fchmodat", SetLastError = true)]
    public static partial int ChangeModeAtBytes(FileDescriptor directory, byte* name, uint mode, int flags);
}
