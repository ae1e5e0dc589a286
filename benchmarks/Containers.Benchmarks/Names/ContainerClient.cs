using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Containers.Names;
using Containers.Netlink;

namespace Containers.Benchmarks.Names;

/// <summary>Asks as a container does: in its network namespace, of the server that its resolv.conf names first.</summary>
/// <param name="processId">The container's first process.</param>
internal sealed class ContainerClient(int processId) : IDisposable
{
    private readonly NetworkNamespace _network = NetworkNamespace.Of(processId);
    private readonly IPEndPoint _server = ResolverConfiguration.Parse(
        File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/root/etc/resolv.conf"))).Servers[0];

    public Socket Connect() => _network.Run(() => NameQuestion.ConnectTo(_server));

    public void Dispose() => _network.Dispose();
}
