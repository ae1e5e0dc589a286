using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Containers.Egress;
using Containers.Specification.Rules;

namespace Containers;

/// <summary>
/// What a container may send to, and how much. What is not allowed is refused at once (a reset for TCP, an ICMP message for the rest) and
/// counted; see <see cref="EgressUsage"/>. Immutable: each method returns a copy. Connections that come to the container from elsewhere are
/// answered.
/// </summary>
/// <remarks>
/// A network that is allowed does not include what nobody means by it: the host's own addresses, the engine's other containers, link-local
/// addresses (with the metadata services of clouds), multicast and loopback. To allow some of these, allow a network that lies within them,
/// or a single address, or <see cref="AllowHost"/>. Fragments of IP packets are refused, since all but the first do not say their port.
/// </remarks>
public sealed class EgressPolicy
{
    private const int MostRules = 256;

    private EgressPolicy(ImmutableArray<EgressRule> rules, ByteSize? bytesPerSecond, ByteSize? totalBytes)
    {
        Rules = rules;
        BytesPerSecond = bytesPerSecond;
        TotalBytes = totalBytes;
    }

    /// <summary>Nothing is allowed; what policies begin with.</summary>
    public static EgressPolicy Nothing { get; } = new([], null, null);

    /// <summary>Bytes a second in each direction; null: as many as there can be.</summary>
    public ByteSize? BytesPerSecond { get; }

    /// <summary>Bytes in both directions together, with the headers of IP; null: as many as there can be.</summary>
    public ByteSize? TotalBytes { get; }

    internal ImmutableArray<EgressRule> Rules { get; }

    /// <summary>Allows everything to a network: all protocols and ports, pings too.</summary>
    /// <param name="network">A network (<c>10.0.0.0/8</c>, <c>2001:db8::/32</c>) or an address.</param>
    /// <exception cref="ArgumentException">It is neither, or has bits behind its prefix.</exception>
    public EgressPolicy Allow(string network) => With(new DestinationRule(Network(network)));

    /// <summary>Allows one port of a network.</summary>
    /// <param name="network">A network (<c>10.0.0.0/8</c>, <c>2001:db8::/32</c>) or an address.</param>
    /// <param name="port">From 1 to 65535.</param>
    /// <param name="protocol">TCP or UDP.</param>
    /// <exception cref="ArgumentException"><paramref name="network"/> is neither, or has bits behind its prefix.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such port or protocol.</exception>
    public EgressPolicy Allow(string network, int port, PortProtocol protocol = PortProtocol.Tcp) =>
        With(WithPorts(new DestinationRule(Network(network)), port, port, protocol));

    /// <summary>Allows a range of ports of a network.</summary>
    /// <param name="network">A network (<c>10.0.0.0/8</c>, <c>2001:db8::/32</c>) or an address.</param>
    /// <param name="firstPort">From 1 to 65535.</param>
    /// <param name="lastPort">Not below <paramref name="firstPort"/>.</param>
    /// <param name="protocol">TCP or UDP.</param>
    /// <exception cref="ArgumentException"><paramref name="network"/> is neither, or has bits behind its prefix.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such port or protocol.</exception>
    public EgressPolicy AllowPorts(string network, int firstPort, int lastPort, PortProtocol protocol = PortProtocol.Tcp) =>
        With(WithPorts(new DestinationRule(Network(network)), firstPort, lastPort, protocol));

    /// <summary>
    /// Allows one port of a host by its name: the container may resolve it, and reach the addresses that the answer gives for as long as the
    /// answer holds. Connections made in that time stay. Names that are not allowed are not resolved at all, so nothing leaves by their
    /// look-up either.
    /// </summary>
    /// <param name="name">A name (<c>example.org</c>); <c>*.example.org</c>: all names below that one, but not that one itself.</param>
    /// <param name="port">From 1 to 65535.</param>
    /// <param name="protocol">TCP or UDP.</param>
    /// <exception cref="ArgumentException"><paramref name="name"/> is no host name.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such port or protocol.</exception>
    public EgressPolicy AllowName(string name, int port, PortProtocol protocol = PortProtocol.Tcp) =>
        With(WithPorts(new NameRule(HostNamePattern.Require(name, nameof(name))), port, port, protocol));

    /// <summary>Allows one port of the host itself, by whichever of its addresses.</summary>
    /// <param name="port">From 1 to 65535.</param>
    /// <param name="protocol">TCP or UDP.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such port or protocol.</exception>
    public EgressPolicy AllowHost(int port, PortProtocol protocol = PortProtocol.Tcp) => With(WithPorts(new HostRule(), port, port, protocol));

    /// <summary>Limits what the container sends and receives.</summary>
    /// <param name="bytesPerSecond">In each direction; null: no limit.</param>
    /// <param name="totalBytes">In both directions together, until the container is removed; what is more is refused. Null: no limit.</param>
    /// <exception cref="ArgumentOutOfRangeException">One of them is too small to send anything.</exception>
    public EgressPolicy Limit(ByteSize? bytesPerSecond = null, ByteSize? totalBytes = null)
    {
        _ = NetworkRate.Require(bytesPerSecond, nameof(bytesPerSecond));
        if (totalBytes is { Bytes: 0 })
        {
            throw new ArgumentOutOfRangeException(nameof(totalBytes), "A container that may send nothing at all has no network: leave it out.");
        }

        return new EgressPolicy(Rules, bytesPerSecond, totalBytes);
    }

    private static IPNetwork Network(string network)
    {
        ArgumentException.ThrowIfNullOrEmpty(network);
        var slash = network.IndexOf('/', StringComparison.Ordinal);
        if (!IPAddress.TryParse(slash < 0 ? network : network.AsSpan(0, slash), out var address) || IsScoped(address) || !IsPlain(network.AsSpan(0, slash < 0 ? network.Length : slash), address))
        {
            throw Malformed(network);
        }

        return slash < 0 ? new IPNetwork(address, Match(address)) : IPNetwork.TryParse(network, out var parsed) && parsed.BaseAddress.Equals(address) && IsLength(network.AsSpan(slash + 1)) ? parsed : throw Malformed(network);
    }

    /// <summary>Other ways to write an address of IPv4 mean another one to somebody else: 010.0.0.1 is 8.0.0.1 here, and 10.1 is 10.0.0.1.</summary>
    private static bool IsPlain(ReadOnlySpan<char> text, IPAddress address) => Nftables.Match.IsFour(address) ? text.SequenceEqual(address.ToString()) : !text.ContainsAny('[', '%');

    private static bool IsLength(ReadOnlySpan<char> text) => text is not ['0', _, ..] && !text.ContainsAnyExceptInRange('0', '9');

    private static int Match(IPAddress address) => Nftables.Match.IsFour(address) ? 32 : 128;

    private static bool IsScoped(IPAddress address) => !Nftables.Match.IsFour(address) && (address.ScopeId != 0 || address.IsIPv4MappedToIPv6);

    private static ArgumentException Malformed(string network) => new(
        $"\"{Printable.Shorten(network)}\" is no network: write 10.0.0.0/8, 2001:db8::/32 or a single address, without bits behind the prefix.", nameof(network));

    private static T WithPorts<T>(T rule, int firstPort, int lastPort, PortProtocol protocol)
        where T : EgressRule => rule with
        {
            Protocol = Choice.Require(protocol, nameof(protocol)),
            FirstPort = Port(firstPort, 1, firstPort == lastPort ? "port" : nameof(firstPort)),
            LastPort = Port(lastPort, firstPort, nameof(lastPort)),
        };

    private static ushort Port(int port, int least, string parameter) => port >= least && port <= ushort.MaxValue ? (ushort)port : throw new ArgumentOutOfRangeException(
        parameter, port, string.Create(CultureInfo.InvariantCulture, $"A port is from {least} to {ushort.MaxValue} here."));

    private EgressPolicy With(EgressRule rule) => Rules.Length < MostRules
        ? new EgressPolicy(Rules.Add(rule), BytesPerSecond, TotalBytes)
        : throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"A policy has at most {MostRules} rules: allow larger networks."), nameof(rule));
}
