using Containers.Benchmarks.Processes;

namespace Containers.Benchmarks.Networks;

/// <summary>A network namespace with one wire to the one that plays the host.</summary>
internal sealed class OutsideMachine : IDisposable
{
    private const string Name = "containers-benchmark-outside";
    private readonly PeerThread _peers;

    public OutsideMachine(PeerThread peers)
    {
        _peers = peers;
        Ip("netns", "add", Name);
        Ip("link", "add", "outside", "type", "veth", "peer", "name", "eth0", "netns", Name);
        Ip("address", "add", HostAddress + "/24", "dev", "outside");
        Ip("link", "set", "outside", "up");
        Ip("-n", Name, "address", "add", "198.51.100.2/24", "dev", "eth0");
        Ip("-n", Name, "link", "set", "eth0", "up");
    }

    /// <summary>The host's address on the wire.</summary>
    public static string HostAddress => "198.51.100.1";

    public string Run(params string[] command) => _peers.Require(["ip", "netns", "exec", Name, .. command]);

    public void Dispose() => _peers.Capture("ip", "netns", "delete", Name);

    private void Ip(params string[] arguments) => _peers.Require(["ip", .. arguments]);
}
