using System.Runtime.InteropServices;

namespace Containers.Interop;

// socket(2), bind(2), getsockname(2), setsockopt(2), netlink(7), setns(2)
internal static unsafe partial class Libc
{
    public const int AddressFamilyNetlink = 16;
    public const int SocketRaw = 3;
    public const int LevelNetlink = 270;

    public const int OptionReceiveTimeout = 20;
    public const int OptionSendBuffer = 7;
    public const int OptionSendBufferForce = 32;
    public const int OptionAttachFilter = 26;

    public const int NetlinkAddMembership = 1;
    public const int NetlinkCapAcknowledgement = 10;
    public const int NetlinkExtendedAcknowledgement = 11;
    public const int NetlinkStrictChecking = 12;

    public const int MessageTruncated = 0x20;

    public const int CloneNewNetwork = 0x40000000;

    [LibraryImport(Library, EntryPoint = "socket", SetLastError = true)]
    public static partial FileDescriptor Socket(int domain, int type, int protocol);

    [LibraryImport(Library, EntryPoint = "bind", SetLastError = true)]
    public static partial int BindNetlink(FileDescriptor socket, NetlinkAddress* address, uint length);

    [LibraryImport(Library, EntryPoint = "getsockname", SetLastError = true)]
    public static partial int NetlinkName(FileDescriptor socket, NetlinkAddress* address, uint* length);

    [LibraryImport(Library, EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetSocketOption(FileDescriptor socket, int level, int option, void* value, uint length);

    [LibraryImport(Library, EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(FileDescriptor socket, byte* buffer, nuint length, int flags);

    [LibraryImport(Library, EntryPoint = "setns", SetLastError = true)]
    public static partial int SetNamespace(FileDescriptor @namespace, int kind);

    /// <summary>struct sockaddr_nl</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct NetlinkAddress
    {
        public ushort Family;
        public ushort Padding;
        public uint PortId;
        public uint Groups;
    }

    /// <summary>struct sock_fprog: instructions of classic BPF, for <see cref="OptionAttachFilter"/>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct FilterProgram
    {
        public ushort Length;
        public ulong* Instructions;
    }

    /// <summary>struct timeval of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TimeValue
    {
        public long Seconds;
        public long Microseconds;
    }
}
