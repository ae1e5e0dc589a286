using System.Runtime.InteropServices;

namespace Containers.Interop;

// socketpair(2), sendmsg(2), recvmsg(2), cmsg(3)
internal static unsafe partial class Libc
{
    public const int AddressFamilyUnix = 1;
    public const int SocketSequencedPacket = 5;
    public const int SocketCloseOnExec = 0x80000;
    public const int SocketLevel = 1;
    public const int ScmRights = 1;
    public const int MessageNoSignal = 0x4000;
    public const int MessageDontWait = 0x40;
    public const int MessageCloseOnExec = 0x40000000;

    [LibraryImport(Library, EntryPoint = "socketpair", SetLastError = true)]
    public static partial int SocketPair(int domain, int type, int protocol, int* fds);

    [LibraryImport(Library, EntryPoint = "sendmsg", SetLastError = true)]
    public static partial nint SendMessage(FileDescriptor socket, MessageHeader* message, int flags);

    [LibraryImport(Library, EntryPoint = "sendmsg", SetLastError = true)]
    public static partial nint SendMessage(SafeHandle socket, MessageHeader* message, int flags);

    [LibraryImport(Library, EntryPoint = "recvmsg", SetLastError = true)]
    public static partial nint ReceiveMessage(FileDescriptor socket, MessageHeader* message, int flags);

    /// <summary>struct iovec</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public void* Base;
        public nuint Length;
    }

    /// <summary>struct msghdr as glibc and the kernel lay it out on 64-bit machines.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MessageHeader
    {
        public void* Name;
        public ulong NameLength;
        public IoVector* Parts;
        public ulong PartCount;
        public void* Control;
        public ulong ControlLength;
        public long Flags;
    }

    /// <summary>struct cmsghdr of 64-bit machines; the data follows.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ControlHeader
    {
        public ulong Length;
        public int Level;
        public int Type;
    }
}
