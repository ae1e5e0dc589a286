using Containers.Nftables;
using Microsoft.Extensions.Logging;

namespace Containers.Firewall;

/// <summary>
/// What others forbid. A packet passes only if each chain of its way lets it: what this engine accepts, a chain of another table refuses all the
/// same, such as Docker's, whose policy is to drop what is forwarded, ufw's, which drop what comes to the host too, and firewalld's, whose last
/// rule rejects.
/// </summary>
internal static class OtherFirewalls
{
    /// <summary>Tells of chains that refuse what they do not accept, and do not speak of bridges like the engine's.</summary>
    /// <param name="firewall">The engine's rules.</param>
    /// <param name="bridges">What the names of bridges begin with.</param>
    /// <param name="logger">Is told.</param>
    public static void Tell(FirewallTable firewall, string bridges, ILogger logger)
    {
        foreach (var chain in firewall.Client.ListChains())
        {
            if (chain is { Point: HookPoint.Forward or HookPoint.Input, Table.Family: NftFamily.Ip or NftFamily.Ip6 or NftFamily.Inet } &&
                chain.Table.Name != firewall.Table.Name && Refuses(firewall.Client, chain) &&
                !firewall.Client.Mentions(chain.Table, System.Text.Encoding.ASCII.GetBytes(bridges)))
            {
                if (chain.Point == HookPoint.Forward)
                {
                    logger.OthersRefuseForwarded(chain.ToString(), bridges);
                }
                else
                {
                    logger.OthersRefuseInput(chain.ToString(), bridges);
                }
            }
        }
    }

    private static bool Refuses(NftablesClient client, ChainInfo chain) =>
        chain.Policy == ChainPolicy.Drop || client.ListRules(new Chain(chain.Table, chain.Name)) is [.., { RefusesAll: true }];
}
