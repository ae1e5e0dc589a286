namespace Containers.Nftables;

/// <summary>A chain of rules. With a hook, packets come to it by themselves; without, other rules send them.</summary>
internal sealed record Chain(Table Table, string Name)
{
    public Hook? Hook { get; init; }

    public override string ToString() => $"{Name} of table {Table}";
}

/// <summary>Where packets come to a chain.</summary>
/// <param name="Point">The place.</param>
/// <param name="Priority">The order among chains there, the lowest first; see <see cref="ChainPriority"/>.</param>
internal sealed record Hook(HookPoint Point, int Priority)
{
    public ChainType Type { get; init; } = ChainType.Filter;

    /// <summary>What becomes of a packet that comes to the end of the chain.</summary>
    public ChainPolicy Policy { get; init; } = ChainPolicy.Accept;

    /// <summary>For the family netdev: the interface.</summary>
    public string? Device { get; init; }
}

/// <summary>Numbers of places; those of the family netdev begin at 0 again.</summary>
internal enum HookPoint
{
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
    Ingress,
    Egress,
}

internal enum ChainType
{
    Filter,
    Nat,
    Route,
}

internal enum ChainPolicy : uint
{
    Drop = 0,
    Accept = 1,
}

/// <summary>Priorities that have names (linux/netfilter_ipv4.h, netfilter_bridge.h).</summary>
internal static class ChainPriority
{
    public const int Raw = -300;
    public const int Mangle = -150;
    public const int DestinationNat = -100;
    public const int Filter = 0;
    public const int Security = 50;
    public const int SourceNat = 100;
    public const int BridgeDestinationNat = -300;
    public const int BridgeFilter = -200;
}
