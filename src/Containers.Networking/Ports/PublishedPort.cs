using System.Globalization;
using System.Net;

namespace Containers;

/// <summary>A port of a container that can be reached at a port of this host.</summary>
public sealed record PublishedPort
{
    internal PublishedPort(IPAddress hostAddress, int hostPort, int containerPort, PortProtocol protocol)
    {
        HostAddress = hostAddress;
        HostPort = hostPort;
        ContainerPort = containerPort;
        Protocol = protocol;
    }

    /// <summary>The address of this host; <c>::</c> where all of either family will do, <c>0.0.0.0</c> where all of IPv4 will.</summary>
    public IPAddress HostAddress { get; }

    /// <summary>The port of this host: what was asked for, or the free one that was found.</summary>
    public int HostPort { get; }

    /// <summary>The container's port.</summary>
    public int ContainerPort { get; }

    /// <summary>The transport protocol of both.</summary>
    public PortProtocol Protocol { get; }

    /// <summary>As Docker writes it: <c>127.0.0.1:8080->80/tcp</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{new IPEndPoint(HostAddress, HostPort)}->{ContainerPort}/{PortRule.WordOf(Protocol)}");
}
