using System.Net;
using System.Net.Sockets;
using Containers.Names;

namespace Containers.Tests.Names;

[Trait("Category", "Rootless")]
public sealed class ResolverSocketsTests : IDisposable
{
    private static readonly IPEndPoint Server = new(IPAddress.Loopback, 53);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ResolverSockets _sockets = new(lifetime: (int)Patience.TotalMilliseconds);

    [Fact]
    public void Port_OfFewQuestionsIsNotUsedAgain()
    {
        var ports = new HashSet<int>();
        for (var i = 1; i < ResolverSockets.FewestChoices; i++)
        {
            Ask(ports, Server);
            Assert.Equal(i, _sockets.Idle);
        }

        Assert.Equal(ResolverSockets.FewestChoices - 1, ports.Count);
    }

    [Fact]
    public void Port_OfManyQuestionsIsAnyOfMany()
    {
        var first = new HashSet<int>();
        for (var i = 0; i < ResolverSockets.FewestChoices; i++)
        {
            Ask(first, Server);
        }

        var again = new List<int>();
        for (var i = 0; i < ResolverSockets.FewestChoices; i++)
        {
            Ask(again, Server);
        }

        Assert.Subset(first, again.ToHashSet());
        Assert.InRange(again.Distinct().Count(), ResolverSockets.FewestChoices / 3, ResolverSockets.FewestChoices - 1);
    }

    [Fact]
    public void Port_IsOneServersAlone()
    {
        var ports = new HashSet<int>();
        for (var i = 0; i < ResolverSockets.FewestChoices; i++)
        {
            Ask(ports, Server);
        }

        using var other = _sockets.Take(new IPEndPoint(IPAddress.Loopback, 54));
        Assert.Equal(54, ((IPEndPoint)other.RemoteEndPoint!).Port);
        Assert.DoesNotContain(PortOf(other), ports);
    }

    [Fact]
    public void Port_IsClosedSoonAfterTheLastQuestion()
    {
        using var sockets = new ResolverSockets(lifetime: 200);
        var used = Enumerable.Range(0, ResolverSockets.FewestChoices).Select(_ => sockets.Take(Server)).ToList();
        used.ForEach(sockets.Return);
        Assert.True(SpinWait.SpinUntil(() => used.All(static socket => socket.SafeHandle.IsClosed), Patience));
        Assert.Equal(0, sockets.Idle);
    }

    [Fact]
    public void End_ClosesAllAndWhatComesBackLater()
    {
        ResolverSocket idle = _sockets.Take(Server), late = _sockets.Take(Server);
        _sockets.Return(idle);
        _sockets.Dispose();
        _sockets.Return(late);
        Assert.True(idle.SafeHandle.IsClosed);
        Assert.True(late.SafeHandle.IsClosed);
    }

    public void Dispose() => _sockets.Dispose();

    private void Ask(ICollection<int> ports, IPEndPoint server)
    {
        var socket = _sockets.Take(server);
        ports.Add(PortOf(socket));
        _sockets.Return(socket);
    }

    private static int PortOf(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;
}
