using System.Net;
using Containers.Firewall;
using Containers.Networks;
using Containers.Nftables;
using Microsoft.Extensions.Logging;

namespace Containers.Egress;

/// <summary>What one container has in the guard's table: a port for each of its networks, and its policy.</summary>
/// <param name="id">The container's.</param>
/// <param name="policy">Null: it may send where it likes, by its own addresses.</param>
/// <param name="logger">Told of what cannot be taken away.</param>
internal sealed class ContainerGuard(string id, EgressPolicy? policy, ILogger logger)
{
    private const int IdCharacters = 12;

    /// <summary>The policy in force; null before the first network.</summary>
    public EgressSession? Session { get; private set; }

    /// <summary>Adds ports that were just made, all in one transaction; nothing comes through them before, as they are not up inside.</summary>
    public void Add(IReadOnlyList<Endpoint> endpoints)
    {
        var firewall = endpoints[0].Network.Firewall;
        var subnets = endpoints.SelectMany(static endpoint => endpoint.Network.Subnets).ToArray();
        var isNew = Session is null && policy is not null;
        var session = isNew
            ? new EgressSession(firewall.Client, new EgressChains(firewall.Guard, id[..Math.Min(IdCharacters, id.Length)], policy!, firewall.Guard.CanReject(firewall.Client)))
            : Session;
        var ports = endpoints.Select(static endpoint => PortOf(endpoint)).ToArray();

        // Called again where the kernel wants the batch again.
        firewall.Client.Commit(batch =>
        {
            if (isNew)
            {
                session!.Add(batch, subnets);
            }

            foreach (var port in ports)
            {
                if (session is null)
                {
                    port.Add(batch, firewall.Guard, policy: null);
                    continue;
                }

                session.AddPort(batch, port);
                HostAccess.Add(batch, firewall, port, policy!, subnets);
            }
        });
        session?.Keep(ports);
        Session = session;
        for (var i = 0; i < ports.Length; i++)
        {
            endpoints[i].Guard = new PortGuard(firewall, ports[i], session, logger);
        }
    }

    /// <summary>Counts a last time.</summary>
    public void Finish()
    {
        try
        {
            Session?.Finish();
        }
        catch (NetworkException fault)
        {
            logger.NetworkFault(fault);
        }
    }

    private static GuardedPort PortOf(Endpoint endpoint) => new(endpoint.Port, endpoint.Mac, Both(endpoint.Address4, endpoint.Address6))
    {
        NameServers = Both(endpoint.Network.Gateway4, endpoint.Network.Gateway6),
    };

    private static IPAddress[] Both(IPAddress four, IPAddress? six) => six is null ? [four] : [four, six];
}
