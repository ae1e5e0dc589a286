using System.Net;
using System.Net.NetworkInformation;
using System.Text;
using Containers.Netlink;

namespace Containers.Nftables;

/// <summary>Values as the kernel compares them: bytes of the packet, mostly in network order.</summary>
internal static class Value
{
    public static byte[] Of(IPAddress address) => address.GetAddressBytes();

    public static byte[] Of(PhysicalAddress address) => address.GetAddressBytes();

    public static byte[] Port(ushort port) => RuleWriter.Network(port);

    public static byte[] Byte(byte value) => [value];

    /// <summary>A number of the host's order, as marks are.</summary>
    public static byte[] Host(uint value) => BitConverter.GetBytes(value);

    /// <summary>An interface's name, with the NULs behind it, so that no longer name is equal.</summary>
    public static byte[] Interface(string name)
    {
        var bytes = new byte[DataType.InterfaceName.Length];
        Encoding.UTF8.GetBytes(InterfaceName.Check(name), bytes);
        return bytes;
    }

    /// <summary>Several values as one key, each in as many registers as it takes.</summary>
    public static byte[] Join(params ReadOnlySpan<byte[]> parts)
    {
        var length = 0;
        foreach (var part in parts)
        {
            length += RuleWriter.Padded(part.Length);
        }

        var joined = new byte[length];
        var offset = 0;
        foreach (var part in parts)
        {
            part.CopyTo(joined.AsSpan(offset));
            offset += RuleWriter.Padded(part.Length);
        }

        return joined;
    }
}
