using Containers.Nftables;

namespace Containers.Firewall;

/// <summary>What has chains, sets and maps of its own in the engine's table: declared with the table, filled as containers come and go.</summary>
internal interface IFirewallPart
{
    /// <summary>Adds them to the batch that makes the table, after the table's own; the rules of <see cref="FirewallTable"/> that lead to them are there.</summary>
    public void Declare(NftBatch batch, FirewallTable table);
}
