using System.Runtime.InteropServices;

namespace Containers.Interop;

// Open file description locks of fcntl_locking(2): of a range of a file, and gone with the last descriptor of the description.
internal static unsafe partial class Libc
{
    public const int FcntlGetRangeLock = 36;
    public const int FcntlSetRangeLock = 37;

    public const short RangeLockShared = 0;
    public const short RangeLockExclusive = 1;
    public const short RangeLockNone = 2;

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int RangeLock(FileDescriptor fd, int command, FileLock* range);

    /// <summary>struct flock of 64-bit machines. The process must be 0 in a request.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 32)]
    public struct FileLock
    {
        public short Kind;
        public short Whence;
        public long Start;
        public long Length;
        public int Process;
    }
}
