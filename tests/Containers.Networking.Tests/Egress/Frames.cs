using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;

namespace Containers.Tests.Egress;

/// <summary>Builds frames, honest and forged.</summary>
internal static class Frames
{
    public const ushort Ip4 = 0x0800;
    public const ushort Arp = 0x0806;
    public const ushort Ip6 = 0x86dd;

    public static readonly byte[] Everybody = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

    public static byte[] Ethernet(byte[] to, byte[] from, ushort type, byte[] payload) => [.. to, .. from, .. Number(type), .. payload];

    public static byte[] ArpReply(byte[] hardware, IPAddress address, IPAddress target, byte hardwareLength = 6, ushort operation = 2) =>
        [0, 1, 8, 0, hardwareLength, 4, .. Number(operation), .. hardware, .. address.GetAddressBytes(), .. Everybody, .. target.GetAddressBytes()];

    public static byte[] Packet4(IPAddress from, IPAddress to, byte protocol, byte[] payload)
    {
        byte[] header = [0x45, 0, .. Number((ushort)(20 + payload.Length)), 0, 1, 0, 0, 64, protocol, 0, 0, .. from.GetAddressBytes(), .. to.GetAddressBytes()];
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(10), Checksum(header));
        return [.. header, .. payload];
    }

    public static byte[] Packet6(IPAddress from, IPAddress to, byte protocol, byte[] payload, byte hops = 255) =>
        [0x60, 0, 0, 0, .. Number((ushort)payload.Length), protocol, hops, .. from.GetAddressBytes(), .. to.GetAddressBytes(), .. payload];

    public static byte[] Datagram(ushort from, ushort to, byte[] payload) => [.. Number(from), .. Number(to), .. Number((ushort)(8 + payload.Length)), 0, 0, .. payload];

    /// <summary>The first segment of a TCP connection, as far as a header goes.</summary>
    public static byte[] Segment(ushort from, ushort to) => [.. Number(from), .. Number(to), 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0];

    /// <summary>An ICMPv6 packet with its checksum, so that a receiver would believe it.</summary>
    public static byte[] Icmp6(IPAddress from, IPAddress to, byte type, byte[] body)
    {
        byte[] message = [type, 0, 0, 0, .. body];
        byte[] pseudo = [.. from.GetAddressBytes(), .. to.GetAddressBytes(), 0, 0, .. Number((ushort)message.Length), 0, 0, 0, 58, .. message];
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), Checksum(pseudo));
        return Packet6(from, to, 58, message);
    }

    public static byte[] Bytes(PhysicalAddress address) => address.GetAddressBytes();

    private static byte[] Number(ushort value) => [(byte)(value >> 8), (byte)value];

    private static ushort Checksum(ReadOnlySpan<byte> data)
    {
        var sum = 0u;
        for (var i = 0; i < data.Length; i += 2)
        {
            sum += (uint)(data[i] << 8) | (i + 1 < data.Length ? data[i + 1] : 0u);
        }

        while (sum >> 16 != 0)
        {
            sum = (sum & 0xffff) + (sum >> 16);
        }

        return (ushort)~sum;
    }
}
