using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Containers.Interop;
using Containers.Nftables;

namespace Containers.Overlay;

/// <summary>One network on several hosts. Nothing is encrypted, and whoever can send from a peer's address is believed: for networks that are trusted.</summary>
/// <param name="NetworkId">The same on all hosts, and no other network's between them: 24 bits.</param>
/// <param name="Local">This host's address.</param>
/// <param name="Peers">The other hosts'.</param>
internal sealed record OverlayOptions(uint NetworkId, IPAddress Local, ImmutableArray<IPAddress> Peers)
{
    private const uint LargestId = (1 << 24) - 1;

    /// <summary>The port that IANA gave to it.</summary>
    public ushort Port { get; init; } = 4789;

    /// <exception cref="NetworkException">Something of it cannot be right.</exception>
    public void Require()
    {
        var reason = NetworkId is 0 or > LargestId ? string.Create(CultureInfo.InvariantCulture, $"The network's id is from 1 to {LargestId}.")
            : Port == 0 ? "There is no port 0."
            : Peers.Any(peer => peer.AddressFamily != Local.AddressFamily) ? $"All hosts have addresses of one family, and this one's is {Local}."
            : Peers.Contains(Local) ? $"{Local} is this host's own address, and no peer."
            : Peers.Distinct().Count() != Peers.Length ? "A peer is named twice."
            : null;
        if (reason is not null)
        {
            throw new NetworkException("create the overlay network", NetworkId.ToString(CultureInfo.InvariantCulture), Errno.EINVAL, reason);
        }
    }

    /// <summary>
    /// Adds, to a chain where packets to the host come, what drops this network's from everybody who is no peer: the kernel takes them from
    /// anywhere. Other networks of that port stay as they are.
    /// </summary>
    public void AddGuard(NftBatch batch, Chain input)
    {
        var peers = PeersOf(input.Table);
        batch.AddSet(peers);
        batch.AddElements(peers, Peers.Select(static peer => new SetElement(Value.Of(peer))));
        byte[] id = [(byte)(NetworkId >> 16), (byte)(NetworkId >> 8), (byte)NetworkId];
        foreach (var family in (ReadOnlySpan<Field>)[Field.Ip4Source, Field.Ip6Source])
        {
            // Of the other family nobody is a peer.
            var isOurs = family == Field.Ip4Source == Match.IsFour(Local);
            Statement[] network = [Match.UdpDestinationPort(Port), Match.Is(Field.VxlanNetwork, id)];
            Statement[] stranger = isOurs ? [Match.NotIn(peers.Name, family)] : [Match.NetworkProtocol(family == Field.Ip4Source ? EtherType.Ip4 : EtherType.Ip6)];
            batch.AddRule(input, new Rule([.. stranger, .. network, Act.Counter, Act.Drop]) { Comment = $"overlay {NetworkId}" });
        }
    }

    /// <summary>The set of peers that <see cref="AddGuard"/> makes.</summary>
    public Set PeersOf(Table table) => new(table, $"peers-{NetworkId}", Match.IsFour(Local) ? DataType.Ip4 : DataType.Ip6);
}
