using Containers.Nftables;
using Microsoft.Extensions.Logging;

namespace Containers.Firewall;

/// <summary>
/// What others forbid. A packet passes where it is forwarded only if each chain there lets it: what this engine accepts, a chain of another table
/// drops all the same, such as that of Docker, whose policy is to drop (iptables FORWARD).
/// </summary>
internal static class OtherFirewalls
{
    /// <summary>Tells of chains that drop what they do not accept, and do not speak of bridges like the engine's.</summary>
    /// <param name="firewall">The engine's rules.</param>
    /// <param name="bridges">What the names of bridges begin with.</param>
    /// <param name="logger">Is told.</param>
    public static void Tell(FirewallTable firewall, string bridges, ILogger logger)
    {
        foreach (var chain in firewall.Client.ListChains())
        {
            if (chain is { Point: HookPoint.Forward, Policy: ChainPolicy.Drop, Table.Family: NftFamily.Ip or NftFamily.Ip6 or NftFamily.Inet } &&
                !firewall.Client.Mentions(chain.Table, System.Text.Encoding.ASCII.GetBytes(bridges)))
            {
                logger.OthersDrop(chain.ToString(), bridges);
            }
        }
    }
}
