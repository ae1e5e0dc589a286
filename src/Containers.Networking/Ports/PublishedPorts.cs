using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Containers.Firewall;
using Containers.Interop;

namespace Containers.Ports;

/// <summary>
/// The ports of one container that are published. Each costs a descriptor and, at addresses other than ::1, one element of a map for
/// each family of addresses that the container has; so a range of a thousand is a thousand descriptors and no rule more.
/// </summary>
internal sealed class PublishedPorts : IAsyncDisposable
{
    private readonly EnginePorts _engine;
    private readonly List<HeldPort> _held = [];
    private readonly List<IAsyncDisposable> _proxies = [];
    private readonly bool _isUser;
    private (FirewallTable Table, IPAddress? Container4, IPAddress? Container6)? _published;

    private PublishedPorts(EnginePorts engine, string owner, bool isUser)
    {
        _engine = engine;
        _isUser = isUser;
        Owner = owner;
    }

    /// <summary>The container, as a person knows it.</summary>
    public string Owner { get; }

    /// <summary>In the order in which they were asked for.</summary>
    public IReadOnlyList<PublishedPort> Ports { get; private set; } = [];

    /// <summary>Takes the ports, all or none.</summary>
    /// <param name="engine">The engine's.</param>
    /// <param name="owner">The container, as a person knows it.</param>
    /// <param name="mappings">What was asked for.</param>
    /// <param name="isUser">No rule will send anything to the container: this process takes it all.</param>
    /// <exception cref="NetworkException">One of them cannot be had; the message says who has it, where that can be found.</exception>
    public static PublishedPorts Reserve(EnginePorts engine, string owner, IEnumerable<PortMapping> mappings, bool isUser = false)
    {
        var ports = new PublishedPorts(engine, owner, isUser);
        try
        {
            foreach (var mapping in mappings)
            {
                ports.Take(mapping);
            }
        }
        catch
        {
            ports.Release();
            throw;
        }

        ports.Ports = [.. ports._held.Select(static held => held.Port)];
        engine.Add(ports);
        return ports;
    }

    /// <summary>
    /// Opens the ports to a container, at one address of each family or of one. Where it has none of a family, what comes to the host by
    /// that family is passed on by this process, and the container sees the host as its source.
    /// </summary>
    /// <exception cref="NetworkException">The kernel refuses the rules.</exception>
    public void Publish(FirewallTable table, IPAddress? container4, IPAddress? container6)
    {
        table.Client.Commit(batch => PortRules.Publish(batch, table, _held, container4, container6));
        _published = (table, container4, container6);
        ForgetConnections();
        foreach (var held in _held)
        {
            var address = held.Address?.AddressFamily == AddressFamily.InterNetworkV6 ? container6 ?? container4 : container4 ?? container6;
            Pass(held, new IPEndPoint(address!, held.Port.ContainerPort));
            if ((container4 is null && held.IsTranslated(AddressFamily.InterNetwork)) || (container6 is null && held.IsTranslated(AddressFamily.InterNetworkV6)))
            {
                held.OpenToAll();
            }
        }
    }

    /// <summary>The reverse of <see cref="Publish"/>; the ports stay taken.</summary>
    /// <exception cref="NetworkException">The kernel refuses; connections that this process passes on have ended nevertheless.</exception>
    public async ValueTask WithdrawAsync()
    {
        var published = _published;
        _published = null;
        try
        {
            if (published is { Table: var table, Container4: var container4, Container6: var container6 })
            {
                table.Client.Commit(batch => PortRules.Withdraw(batch, table, _held, container4, container6));
                ForgetConnections();
            }
        }
        finally
        {
            foreach (var proxy in _proxies)
            {
                await proxy.DisposeAsync().ConfigureAwait(false);
            }

            _proxies.Clear();
        }
    }

    /// <summary>Passes on what comes over loopback, without any rules.</summary>
    public void PassOn(IPEndPoint target)
    {
        foreach (var held in _held)
        {
            Pass(held, target);
        }
    }

    /// <summary>Passes on all that comes, by sockets in the network of an ordinary user's container.</summary>
    public void PassInside(IPAddress address, IContainerSide inside)
    {
        foreach (var held in _held)
        {
            Pass(held, new IPEndPoint(address, held.Port.ContainerPort), inside);
        }
    }

    /// <summary>Whether this has the port at an address that covers the one asked for, or is covered.</summary>
    public bool Has(IPAddress? address, int port, PortProtocol protocol) =>
        Ports.Any(published => published.HostPort == port && published.Protocol == protocol) &&
        _held.Exists(held => held.Port.HostPort == port && held.Port.Protocol == protocol && PortMapping.Overlap(held.Address, address));

    /// <summary>Withdraws the ports, and gives them back.</summary>
    public async ValueTask DisposeAsync()
    {
        _engine.Remove(this);
        try
        {
            await WithdrawAsync().ConfigureAwait(false);
        }
        finally
        {
            Release();
        }
    }

    private void Pass(HeldPort held, IPEndPoint target, IContainerSide? inside = null) =>
        _proxies.Add(held.Port.Protocol == PortProtocol.Tcp ? TcpProxy.Start(held.Socket, target, inside) : UdpProxy.Start(held.Socket, target, inside: inside));

    private void Take(PortMapping mapping)
    {
        if (mapping is { ContainerPorts.Count: 1, HostPorts: { Count: > 1 } choice })
        {
            TakeAny(mapping, choice);
            return;
        }

        for (var i = 0; i < mapping.ContainerPorts.Count; i++)
        {
            var port = mapping.HostPorts is { } range ? range.First + i : 0;
            try
            {
                _held.Add(HeldPort.Take(mapping.HostAddress, port, mapping.ContainerPorts.First + i, mapping.Protocol, _isUser));
            }
            catch (SocketException refused)
            {
                throw Refused(mapping, port, refused);
            }
        }
    }

    private void TakeAny(PortMapping mapping, PortRange choice)
    {
        for (var port = choice.First; ; port++)
        {
            try
            {
                _held.Add(HeldPort.Take(mapping.HostAddress, port, mapping.ContainerPorts.First, mapping.Protocol, _isUser));
                return;
            }
            catch (SocketException refused) when (refused.SocketErrorCode == SocketError.AddressAlreadyInUse && port < choice.Last)
            {
            }
            catch (SocketException refused)
            {
                throw Refused(mapping, port, refused);
            }
        }
    }

    private NetworkException Refused(PortMapping mapping, int port, SocketException reason)
    {
        // Of one call, the ports taken so far are not registered yet.
        var own = _held.Exists(held => held.Port.HostPort == port && held.Port.Protocol == mapping.Protocol && PortMapping.Overlap(held.Address, mapping.HostAddress));
        var errno = (Errno)reason.NativeErrorCode;
        var remedy = errno switch
        {
            Errno.EADDRINUSE when own => "The same container publishes it twice: one of its free ports was this one; ask for another.",
            Errno.EADDRINUSE when (_engine.FindOwner(mapping.HostAddress, port, mapping.Protocol) ?? PortOwner.Find(mapping.HostAddress, port, mapping.Protocol)) is { } owner =>
                $"It is {owner}. End that, or publish at another port; 0 is any that is free.",
            Errno.EADDRINUSE => "Who has it cannot be seen from here. Publish at another port; 0 is any that is free.",
            Errno.EACCES => "Ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE.",
            Errno.EADDRNOTAVAIL => "It is no address of this host: give one that `ip address` shows, or none for all of them.",
            Errno.EMFILE or Errno.ENFILE => "Each port takes a descriptor: raise the limit of open files (RLIMIT_NOFILE), or publish fewer.",
            _ => null,
        };
        var address = mapping.HostAddress ?? IPAddress.IPv6Any;
        return new NetworkException("publish at the port", string.Create(CultureInfo.InvariantCulture, $"{new IPEndPoint(address, port)}/{PortRule.WordOf(mapping.Protocol)}"), errno, remedy);
    }

    /// <summary>
    /// A flow of UDP has no beginning that rules could see: one that was known before would go on where it went, to this host itself, or to
    /// an address that another container has by now, for as long as its sender goes on. Connections of TCP end with a reset.
    /// </summary>
    private void ForgetConnections()
    {
        var ports = _held.Where(static held => held.Port.Protocol == PortProtocol.Udp).Select(static held => (ushort)held.Port.HostPort).ToHashSet();
        if (ports.Count > 0)
        {
            using var tracking = ConnectionTracking.Open();
            tracking.ForgetDatagrams(ports);
        }
    }

    private void Release()
    {
        foreach (var held in _held)
        {
            held.Dispose();
        }
    }
}
