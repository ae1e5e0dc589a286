using System.Net;
using Containers.Firewall;
using Containers.Networks;
using Containers.Nftables;

namespace Containers.Names;

/// <summary>The names of one bridge network: who is there, the server that says so, and the rules that lead its containers to it.</summary>
internal sealed class NetworkNames
{
    private readonly NameServer _server;
    private readonly string _bridge;

    private NetworkNames(NameZone zone, NameServer server, string bridge) => (Zone, _server, _bridge) = (zone, server, bridge);

    public NameZone Zone { get; }

    /// <summary>Starts it for a bridge that has its address, in the network namespace of the calling thread.</summary>
    /// <exception cref="NetworkException">The address cannot be listened at, or the kernel refuses the rules; nothing is left.</exception>
    public static NetworkNames Start(HostSide host, FirewallTable firewall, BridgeNetwork network)
    {
        var zone = host.Names.AddZone(network.Name, network.Subnets, network.IsInternal);
        NameServer? server = null;
        try
        {
            server = NameServer.Start(network.Gateway4, zone, host.Forwarder);
            var names = new NetworkNames(zone, server, network.Bridge);
            firewall.Client.Commit(batch => names.Add(batch, firewall, network.Gateway4));
            return names;
        }
        catch
        {
            zone.Remove();
            _ = server?.DisposeAsync().AsTask();
            throw;
        }
    }

    /// <summary>Ends it; the server has ended when this returns.</summary>
    /// <exception cref="NetworkException">The rules cannot be taken away; all else is.</exception>
    public void Stop(FirewallTable? firewall)
    {
        Zone.Remove();
        try
        {
            firewall?.Client.Commit(batch => Remove(batch, firewall));
        }
        finally
        {
            _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private void Add(NftBatch batch, FirewallTable firewall, IPAddress gateway)
    {
        var port = (ushort)_server.EndPoint.Port;
        var chain = ChainOf(firewall);
        batch.AddChain(chain);

        // Whatever else listens at port 53 of the host is not what the containers are told of.
        batch.AddRule(chain, new Rule(Match.Destination(gateway), Match.UdpDestinationPort(ResolverConfiguration.Port), Act.Redirect(port)));
        batch.AddRule(chain, new Rule(Match.Destination(gateway), Match.TcpDestinationPort(ResolverConfiguration.Port), Act.Redirect(port)));
        batch.AddElements(firewall.Redirects, new SetElement(Value.Interface(_bridge)) { Verdict = Verdict.Jump(chain.Name) });
        batch.AddElements(firewall.Services, Services());
    }

    private void Remove(NftBatch batch, FirewallTable firewall)
    {
        var chain = ChainOf(firewall);
        batch.DeleteElements(firewall.Services, Services());
        batch.DeleteElements(firewall.Redirects, new SetElement(Value.Interface(_bridge)));
        batch.FlushChain(chain);
        batch.DeleteChain(chain);
    }

    private Chain ChainOf(FirewallTable firewall) => new(firewall.Table, "names-" + _bridge);

    private SetElement[] Services()
    {
        var port = Value.Port((ushort)_server.EndPoint.Port);
        return
        [
            new(Value.Join(Value.Interface(_bridge), Value.Byte((byte)System.Net.Sockets.ProtocolType.Udp), port)),
            new(Value.Join(Value.Interface(_bridge), Value.Byte((byte)System.Net.Sockets.ProtocolType.Tcp), port)),
        ];
    }
}
