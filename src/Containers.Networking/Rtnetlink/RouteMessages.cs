using System.Runtime.InteropServices;

namespace Containers.Rtnetlink;

/// <summary>Types of rtnetlink messages (linux/rtnetlink.h).</summary>
internal static class RouteMessageType
{
    public const ushort NewLink = 16;
    public const ushort DeleteLink = 17;
    public const ushort GetLink = 18;
    public const ushort SetLink = 19;
    public const ushort NewAddress = 20;
    public const ushort DeleteAddress = 21;
    public const ushort GetAddress = 22;
    public const ushort NewRoute = 24;
    public const ushort DeleteRoute = 25;
    public const ushort GetRoute = 26;
    public const ushort NewNeighbour = 28;
    public const ushort DeleteNeighbour = 29;
    public const ushort GetNeighbour = 30;
    public const ushort NewQdisc = 36;
    public const ushort DeleteQdisc = 37;
    public const ushort GetQdisc = 38;
    public const ushort NewClass = 40;
    public const ushort DeleteClass = 41;
    public const ushort GetClass = 42;
    public const ushort NewNamespaceId = 88;
    public const ushort GetNamespaceId = 90;
}

/// <summary>Address families as netlink's structures hold them.</summary>
internal static class RouteFamily
{
    public const byte Any = 0;
    public const byte InterNetwork = 2;
    public const byte Bridge = 7;
    public const byte InterNetworkV6 = 10;

    public static byte Of(System.Net.IPAddress address) =>
        address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? InterNetwork : InterNetworkV6;
}

/// <summary>struct ifinfomsg</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LinkHeader
{
    public byte Family;
    public byte Padding;
    public ushort HardwareType;
    public int Index;
    public LinkFlags Flags;
    public LinkFlags Change;
}

/// <summary>struct ifaddrmsg</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct AddressHeader
{
    public byte Family;
    public byte PrefixLength;
    public byte Flags;
    public byte Scope;
    public int Index;
}

/// <summary>struct rtmsg</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RouteHeader
{
    public byte Family;
    public byte DestinationLength;
    public byte SourceLength;
    public byte TypeOfService;
    public byte Table;
    public byte Protocol;
    public byte Scope;
    public byte Type;
    public uint Flags;
}

/// <summary>struct ndmsg</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NeighbourHeader
{
    public byte Family;
    public byte Padding1;
    public ushort Padding2;
    public int Index;
    public NeighbourStates State;
    public NeighbourFlags Flags;
    public byte Type;
}

/// <summary>struct tcmsg</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct QdiscHeader
{
    public byte Family;
    public byte Padding1;
    public ushort Padding2;
    public int Index;
    public uint Handle;
    public uint Parent;
    public uint Info;
}

/// <summary>struct rtgenmsg, padded to where attributes begin.</summary>
[StructLayout(LayoutKind.Sequential, Size = 4)]
internal struct GeneralHeader
{
    public byte Family;
}
