using System.Runtime.InteropServices;

namespace Containers.Interop;

// epoll_create1(2), epoll_ctl(2), epoll_wait(2), epoll_pwait2(2), eventfd(2)
internal static unsafe partial class Libc
{
    public const int EpollCloseOnExec = 0x80000;
    public const int EpollAdd = 1;
    public const int EpollRemove = 2;
    public const int EpollModify = 3;
    public const int EventCloseOnExec = 0x80000;
    public const int EventNonBlocking = 0x800;

    // The same number on every architecture (asm-generic/unistd.h); musl has no function for it.
    public const nint EpollPreciseWaitNumber = 441;

    [LibraryImport(Library, EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial FileDescriptor EpollCreate(int flags);

    [LibraryImport(Library, EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int EpollControl(FileDescriptor epoll, int operation, int fd, byte* epollEvent);

    [LibraryImport(Library, EntryPoint = "epoll_wait", SetLastError = true)]
    public static partial int EpollWait(FileDescriptor epoll, byte* events, int maximum, int timeoutMilliseconds);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    public static partial nint EpollPreciseWait(
        nint number, nint epoll, byte* events, nint maximum, TimeSpecification* timeout, nint signalMask, nint signalMaskSize);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    public static partial FileDescriptor EventCreate(uint initial, int flags);

    /// <summary>struct timespec of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TimeSpecification
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
