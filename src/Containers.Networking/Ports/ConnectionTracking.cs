using System.Net;
using System.Runtime.CompilerServices;
using Containers.Interop;
using Containers.Netlink;
using Containers.Nftables;
using Containers.Rtnetlink;

namespace Containers.Ports;

/// <summary>The connections that the kernel tracks in the host's network namespace (linux/netfilter/nfnetlink_conntrack.h).</summary>
internal sealed class ConnectionTracking : IDisposable
{
    private const ushort Subsystem = 1 << 8;
    private const ushort NewEntry = Subsystem | 0;
    private const ushort GetEntry = Subsystem | 1;
    private const ushort DeleteEntry = Subsystem | 2;
    private const uint FilterProtocol = 1 << 3;

    private readonly NetlinkSocket _socket = NetlinkSocket.Open(NetlinkFamily.Netfilter);

    private enum EntryAttribute : ushort
    {
        Original = 1,
        Id = 12,
        Zone = 18,
        Filter = 25,
    }

    private enum TupleAttribute : ushort
    {
        Addresses = 1,
        Protocol = 2,
    }

    private enum AddressAttribute : ushort
    {
        Destination4 = 2,
        Destination6 = 4,
    }

    private enum ProtocolAttribute : ushort
    {
        Number = 1,
        DestinationPort = 3,
    }

    private enum FilterAttribute : ushort
    {
        OriginalFlags = 1,
    }

    public static ConnectionTracking Open() => new();

    /// <summary>Deletes the entries of UDP to ports of this host itself, wherever they were sent on to.</summary>
    public void ForgetDatagrams(IReadOnlySet<ushort> ports)
    {
        using var route = RouteClient.Open();
        var local = route.Addresses.List().Select(static address => address.Address).ToHashSet();
        foreach (var family in new[] { NftFamily.Ip, NftFamily.Ip6 })
        {
            foreach (var entry in List(family))
            {
                if (ports.Contains(entry.Port) && local.Contains(entry.Destination))
                {
                    Delete(family, entry);
                }
            }
        }
    }

    public void Dispose() => _socket.Dispose();

    private List<Entry> List(NftFamily family)
    {
        using var writer = new MessageWriter();
        writer.Begin(GetEntry, NetlinkFlags.Dump, new NetfilterHeader { Family = family });

        // The kernel skips what is not UDP (Linux 5.8).
        var original = writer.BeginNested(EntryAttribute.Original);
        var protocol = writer.BeginNested(TupleAttribute.Protocol);
        writer.Put(ProtocolAttribute.Number, TransportProtocol.Udp);
        writer.EndNested(protocol);
        writer.EndNested(original);
        var filter = writer.BeginNested(EntryAttribute.Filter);
        writer.Put(FilterAttribute.OriginalFlags, FilterProtocol);
        writer.EndNested(filter);
        return _socket.Dump(writer, new RequestContext("list the tracked connections of", family.Word()), static message => message.Type == NewEntry ? Parse(message) : null);
    }

    private void Delete(NftFamily family, Entry entry)
    {
        using var writer = new MessageWriter();
        writer.Begin(DeleteEntry, NetlinkFlags.Acknowledge, new NetfilterHeader { Family = family });
        writer.Put(EntryAttribute.Original, entry.Tuple);
        writer.Put(EntryAttribute.Id, entry.Id);
        if (entry.Zone is { } zone)
        {
            writer.Put(EntryAttribute.Zone, zone);
        }

        try
        {
            _socket.Execute(writer, new RequestContext("forget the connection to port", entry.Port.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        }
        catch (NetworkException gone) when (gone.ErrorNumber == (int)Errno.ENOENT)
        {
            // It ended by itself meanwhile, or another took its place, which is newer than what was published.
        }
    }

    private static Entry? Parse(NetlinkMessage message)
    {
        byte[]? tuple = null;
        uint id = 0;
        ushort? zone = null;
        ushort port = 0;
        byte protocol = 0;
        IPAddress? destination = null;
        foreach (var attribute in message.AttributesAfter<NetfilterHeader>())
        {
            switch ((EntryAttribute)attribute.Type)
            {
                case EntryAttribute.Original:
                    tuple = attribute.Value.ToArray();
                    (destination, protocol, port) = ParseTuple(attribute.Nested);
                    break;
                case EntryAttribute.Id:
                    id = attribute.UInt32;
                    break;
                case EntryAttribute.Zone:
                    zone = attribute.UInt16;
                    break;
            }
        }

        return tuple is not null && destination is not null && protocol == TransportProtocol.Udp ? new Entry(tuple, id, zone, destination, port) : null;
    }

    private static (IPAddress? Destination, byte Protocol, ushort Port) ParseTuple(AttributeReader tuple)
    {
        var (destination, protocol, port) = ((IPAddress?)null, (byte)0, (ushort)0);
        foreach (var attribute in tuple)
        {
            foreach (var part in attribute.Nested)
            {
                switch ((TupleAttribute)attribute.Type)
                {
                    case TupleAttribute.Addresses when (AddressAttribute)part.Type is AddressAttribute.Destination4 or AddressAttribute.Destination6:
                        destination = part.Address;
                        break;
                    case TupleAttribute.Protocol when (ProtocolAttribute)part.Type == ProtocolAttribute.Number:
                        protocol = part.Byte;
                        break;
                    case TupleAttribute.Protocol when (ProtocolAttribute)part.Type == ProtocolAttribute.DestinationPort:
                        port = part.NetworkUInt16;
                        break;
                }
            }
        }

        return (destination, protocol, port);
    }

    private sealed record Entry(byte[] Tuple, uint Id, ushort? Zone, IPAddress Destination, ushort Port);
}
