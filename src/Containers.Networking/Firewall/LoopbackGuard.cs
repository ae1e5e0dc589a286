using System.Net;
using Containers.Nftables;

namespace Containers.Firewall;

/// <summary>
/// Keeps 127.0.0.0/8 the host's own. A port that is published there is translated by the kernel, for which the bridge routes loopback
/// (<c>route_localnet</c>); with that alone a container would reach whatever listens on the host's 127.0.0.1 (CVE-2020-8558). Answers to the
/// host's own connections do not come by here with such an address: they are translated back later.
/// <para>
/// The rules are in the engine's table, which no reload of the host's firewall takes away, and in one that no socket owns, which does not end
/// with the process and its guardian, as bridges do not. The next engine takes away both.
/// </para>
/// </summary>
/// <param name="name">That table's.</param>
/// <param name="bridges">What the names of the engine's bridges begin with.</param>
internal sealed class LoopbackGuard(string name, string bridges)
{
    private readonly Table _table = new(NftFamily.Ip, name);

    public static IPNetwork Network { get; } = new(new IPAddress([127, 0, 0, 0]), 8);

    /// <summary>Adds the table that outlives the process.</summary>
    public void Declare(NftBatch batch)
    {
        var chain = new Chain(_table, "raw-prerouting") { Hook = new Hook(HookPoint.Prerouting, ChainPriority.Raw) };
        batch.AddTable(_table);
        batch.AddChain(chain);
        Declare(batch, chain);
    }

    /// <summary>Adds the rules to a chain before any translation.</summary>
    public void Declare(NftBatch batch, Chain chain)
    {
        batch.AddRule(chain, new Rule(Match.Destination(Network), Match.Begins(Field.InputInterface, bridges), Act.Counter, Act.Drop));
        batch.AddRule(chain, new Rule(Match.Source(Network), Match.Begins(Field.InputInterface, bridges), Act.Counter, Act.Drop));
    }

    /// <summary>Takes that table away, if nobody else has.</summary>
    public void Delete(NftBatch batch)
    {
        batch.AddTable(_table);
        batch.DeleteTable(_table);
    }
}
