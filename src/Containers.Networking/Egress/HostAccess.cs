using System.Net;
using Containers.Firewall;
using Containers.Nftables;

namespace Containers.Egress;

/// <summary>
/// Services of the host that a policy allows: the engine's rules turn containers away from the host, so what came through the guard's table
/// must be let in there too.
/// </summary>
internal static class HostAccess
{
    public static void Add(NftBatch batch, FirewallTable firewall, GuardedPort port, EgressPolicy policy, IReadOnlyList<IPNetwork> subnets)
    {
        if (!IsNeeded(policy))
        {
            return;
        }

        var chain = ChainOf(firewall, port);
        batch.AddChain(chain);
        foreach (var rule in policy.Rules)
        {
            if (rule is HostRule)
            {
                batch.AddRule(chain, new Rule([Match.DestinationIsLocal, .. EgressChains.PortsOf(rule), Act.Accept]));
            }
            else if (rule is DestinationRule { Network: var network } && SpecialNetworks.IsOnPurpose(network, subnets))
            {
                batch.AddRule(chain, new Rule([Match.DestinationIsLocal, Match.Destination(network), .. EgressChains.PortsOf(rule), Act.Accept]));
            }
        }

        foreach (var address in port.Addresses)
        {
            batch.AddElements(SetOf(firewall, address), new SetElement(Value.Of(address)) { Verdict = Verdict.Jump(chain.Name) });
        }
    }

    public static void Remove(NftBatch batch, FirewallTable firewall, GuardedPort port, EgressPolicy policy)
    {
        if (!IsNeeded(policy))
        {
            return;
        }

        foreach (var address in port.Addresses)
        {
            batch.DeleteElements(SetOf(firewall, address), new SetElement(Value.Of(address)));
        }

        batch.DeleteChain(ChainOf(firewall, port));
    }

    private static bool IsNeeded(EgressPolicy policy) => policy.Rules.Any(static rule => rule is HostRule or DestinationRule);

    private static Chain ChainOf(FirewallTable firewall, GuardedPort port) => new(firewall.Table, "host-" + port.Device);

    private static Set SetOf(FirewallTable firewall, IPAddress address) => Match.IsFour(address) ? firewall.Allowed4 : firewall.Allowed6;
}
