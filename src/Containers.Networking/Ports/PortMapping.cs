using System.Net;
using System.Net.Sockets;
using Containers.Specification.Rules;

namespace Containers.Ports;

/// <summary>What was asked for: ports of the container, and where they are published.</summary>
internal sealed record PortMapping
{
    public required PortRange ContainerPorts { get; init; }

    /// <summary>As many as of the container's, one for each; for one port of the container: any of these that is free. Null: any free port.</summary>
    public PortRange? HostPorts { get; init; }

    public PortProtocol Protocol { get; init; }

    /// <summary>Null: every address of this host, of either family.</summary>
    public IPAddress? HostAddress { get; init; }

    /// <summary>The host's ports are known before any is tried.</summary>
    private bool IsDefinite => HostPorts is { } ports && ports.Count == ContainerPorts.Count;

    public static PortMapping Create(int containerPort, int hostPort, PortProtocol protocol, IPAddress? hostAddress)
    {
        var container = PortRule.RequirePort(containerPort, nameof(containerPort));
        var host = PortRule.RequireHostPort(hostPort, nameof(hostPort));
        return new PortMapping
        {
            ContainerPorts = new PortRange(container, container),
            HostPorts = host == 0 ? null : new PortRange(host, host),
            Protocol = Choice.Require(protocol, nameof(protocol)),
            HostAddress = PortRule.RequireAddress(hostAddress, nameof(hostAddress)),
        };
    }

    public static PortMapping Create(PortRange containerPorts, PortRange? hostPorts, PortProtocol protocol, IPAddress? hostAddress) => new()
    {
        ContainerPorts = PortRule.RequireRange(containerPorts, nameof(containerPorts)),
        HostPorts = hostPorts is not { } range || PortRule.RequireRange(range, nameof(hostPorts)).Count == containerPorts.Count || containerPorts.Count == 1
            ? hostPorts
            : throw new ArgumentException($"{range.Count} ports of the host ({range}) cannot be those of {containerPorts.Count} of the container ({containerPorts}).", nameof(hostPorts)),
        Protocol = Choice.Require(protocol, nameof(protocol)),
        HostAddress = PortRule.RequireAddress(hostAddress, nameof(hostAddress)),
    };

    /// <summary>Reads what <c>docker run --publish</c> takes: <c>[address:][host ports]:container ports[/protocol]</c>, or the container's ports alone.</summary>
    /// <exception cref="ArgumentException">It is none; the message says where.</exception>
    public static PortMapping Parse(string mapping, string parameter)
    {
        var (rest, protocol) = mapping.LastIndexOf('/') is >= 0 and var slash ? (mapping[..slash], mapping[(slash + 1)..]) : (mapping, "tcp");
        var colon = rest.LastIndexOf(':');
        var container = rest[(colon + 1)..];
        var (address, host) = Split(colon < 0 ? string.Empty : rest[..colon], mapping, parameter);
        if (!PortRange.TryRead(container, out var containerPorts))
        {
            throw Malformed(mapping, parameter, $"\"{container}\" is no port of a container, nor a range of them");
        }

        PortRange? hostPorts = null;
        if (host is not ("" or "0") && !PortRange.TryRead(host, out hostPorts))
        {
            throw Malformed(mapping, parameter, $"\"{host}\" is no port of the host, nor a range of them");
        }

        if (hostPorts is { } range && range.Count != containerPorts.Value.Count && containerPorts.Value.Count != 1)
        {
            throw Malformed(mapping, parameter, $"{range.Count} ports of the host cannot be those of {containerPorts.Value.Count} of the container");
        }

        return new PortMapping
        {
            ContainerPorts = containerPorts.Value,
            HostPorts = hostPorts,
            Protocol = protocol switch
            {
                "tcp" => PortProtocol.Tcp,
                "udp" => PortProtocol.Udp,
                _ => throw Malformed(mapping, parameter, $"\"{protocol}\" is neither tcp nor udp"),
            },
            HostAddress = PortRule.RequireAddress(address, parameter),
        };
    }

    /// <summary>No two can be had at once: the same port of the host, at addresses of which one covers the other.</summary>
    public bool ContradictedBy(PortMapping other) =>
        IsDefinite && other.IsDefinite && Protocol == other.Protocol && Overlap(HostAddress, other.HostAddress) &&
        HostPorts!.Value.First <= other.HostPorts!.Value.Last && other.HostPorts.Value.First <= HostPorts.Value.Last;

    public override string ToString() =>
        $"{(HostAddress is null ? string.Empty : HostAddress.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{HostAddress}]:" : $"{HostAddress}:")}{HostPorts}:{ContainerPorts}/{PortRule.WordOf(Protocol)}";

    internal static bool Overlap(IPAddress? one, IPAddress? other) =>
        one is null || other is null || one.Equals(other) || (one.AddressFamily == other.AddressFamily && (IsAny(one) || IsAny(other)));

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    /// <summary>What stands before the container's ports: an address, the host's ports, or both.</summary>
    private static (IPAddress? Address, string Ports) Split(string text, string mapping, string parameter)
    {
        if (text.StartsWith('['))
        {
            var end = text.IndexOf(']', StringComparison.Ordinal);
            return end > 0 && IPAddress.TryParse(text[1..end], out var six) && six.AddressFamily == AddressFamily.InterNetworkV6 && (end == text.Length - 1 || text[end + 1] == ':')
                ? (six, end == text.Length - 1 ? string.Empty : text[(end + 2)..])
                : throw Malformed(mapping, parameter, $"\"{text}\" does not begin with an IPv6 address in brackets");
        }

        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0)
        {
            return (null, text);
        }

        // Of what the framework takes for an address, 127.1 and 2130706433 are too, which nobody means.
        var address = text[..colon];
        return IPAddress.TryParse(address, out var four) && four.AddressFamily == AddressFamily.InterNetwork && four.ToString() == address
            ? (four, text[(colon + 1)..])
            : throw Malformed(mapping, parameter, $"\"{address}\" is no IPv4 address; one of IPv6 stands in brackets");
    }

    private static ArgumentException Malformed(string mapping, string parameter, string reason) =>
        new($"\"{mapping}\" publishes no port: {reason}. Write [address:][host port]:container port[/tcp or /udp], as in 127.0.0.1:8080:80/tcp or 8000-8010:8000-8010.", parameter);
}
