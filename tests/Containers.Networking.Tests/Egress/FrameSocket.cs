using System.Runtime.InteropServices;
using Containers.Interop;
using Containers.Netlink;

namespace Containers.Tests.Egress;

/// <summary>Frames as they are, past all protocols of the kernel: what a process with CAP_NET_RAW can do (packet(7)).</summary>
internal sealed partial class FrameSocket : IDisposable
{
    private const int Family = 17;
    private const int Raw = 3;
    private const int Outgoing = 4;
    private const int SocketLevel = 1;
    private const int ReceiveTimeout = 20;

    /// <summary>ETH_P_ALL, in network order.</summary>
    private const ushort AllProtocols = 0x0300;

    private readonly int _socket;

    public FrameSocket(NetworkNamespace space, int index)
    {
        _socket = space.Run(static () => Socket(Family, Raw, AllProtocols));
        Assert.True(_socket >= 0, ErrnoNames.Last.ToString());
        var address = new LinkAddress { Family = Family, Protocol = AllProtocols, Index = index };
        Assert.Equal(0, Bind(_socket, in address, Marshal.SizeOf<LinkAddress>()));
        Assert.Equal(0, SetOption(_socket, SocketLevel, ReceiveTimeout, [0, 1000], 2 * sizeof(long)));
    }

    public void Send(byte[] frame) => Assert.Equal(frame.Length, (int)Write(_socket, frame, frame.Length));

    /// <summary>Whether a frame with these bytes somewhere came in within a time; others are read and forgotten.</summary>
    public bool Receives(byte[] mark, TimeSpan time)
    {
        var started = TimeProvider.System.GetTimestamp();
        var buffer = new byte[4096];
        while (TimeProvider.System.GetElapsedTime(started) < time)
        {
            var size = Marshal.SizeOf<LinkAddress>();
            var length = (int)Receive(_socket, buffer, buffer.Length, 0, out var from, ref size);
            if (length > 0 && from.PacketType != Outgoing && buffer.AsSpan(0, length).IndexOf(mark) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    public void Dispose() => _ = Close(_socket);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Bind(int socket, in LinkAddress address, int size);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetOption(int socket, int level, int option, long[] value, int size);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Write(int socket, byte[] data, nint size);

    [LibraryImport("libc", EntryPoint = "recvfrom", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Receive(int socket, [In, Out] byte[] data, nint size, int flags, out LinkAddress from, ref int fromSize);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int socket);

    /// <summary>struct sockaddr_ll</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct LinkAddress
    {
        public ushort Family;
        public ushort Protocol;
        public int Index;
        public ushort HardwareType;
        public byte PacketType;
        public byte Length;
        public ulong Address;
    }
}
