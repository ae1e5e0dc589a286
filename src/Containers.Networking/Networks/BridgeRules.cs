using Containers.Firewall;
using Containers.Overlay;

namespace Containers.Networks;

/// <summary>What one bridge network has in the engine's table, from before there is anything that they hold for.</summary>
internal sealed class BridgeRules(BridgeNetwork network, NetworkOptions options, OverlayNetwork? overlay)
{
    private ConnectionLimit? _limit;

    /// <summary>How many connections of each container are tracked at a time.</summary>
    public int? ConnectionLimit => _limit?.Count;

    public void Add(FirewallTable firewall)
    {
        var limit = new ConnectionLimit(firewall, network.Bridge, options.ConnectionLimit ?? Firewall.ConnectionLimit.Default());
        firewall.Add(network.Bridge, network.Subnets, options.Internal, options.AllowHost, batch =>
        {
            limit.Add(batch);
            overlay?.AddGuard(batch, firewall);
        });
        _limit = limit;
    }

    /// <summary>The reverse; where the table is gone, nothing is to be done.</summary>
    public void Remove(FirewallTable? firewall) => firewall?.Remove(network.Bridge, network.Subnets, options.Internal, options.AllowHost, batch =>
    {
        overlay?.RemoveGuard(batch, firewall);
        _limit?.Remove(batch);
    });
}
