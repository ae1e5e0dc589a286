using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Containers.Interop;
using Containers.Netlink;
using Containers.Networks;

namespace Containers.Tests.Networks;

/// <summary>Each request that connecting a container makes to the kernel, refused in its turn. Alone: it sees the requests of the whole process.</summary>
[Collection(WholeProcess.Name)]
public class AttachFaultTests
{
    private const int Published = 18080;
    private static readonly IPAddress Address = IPAddress.Parse("10.219.1.9");
    private static readonly IPAddress Address6 = IPAddress.Parse("fd00:219:1::9");

    [Fact]
    public async Task Start_ThatTheKernelRefusesAtAnyStepNamesItAndLeavesNothing()
    {
        await using var lab = new NetworkLab();
        var (one, two) = await CreateAsync(lab);
        await using var observer = await lab.StartAsync(Box.Sleeper.WithNetwork("one"));
        var job = Box.Sleeper.WithName("faulty").WithNetwork("one", aliases: ["alias"], address: Address).WithNetwork("two")
            .WithEgress(static policy => policy.Allow("192.0.2.0/24", 443).AllowName("example.org", 443).AllowHost(9999).Limit(10.MB, 100.MB)).WithPort(80, Published);

        using var kernel = new RefusingKernel();
        await EndAsync(await lab.StartAsync(job), lab, one, two);
        var before = State(lab);
        kernel.Count();
        await EndAsync(await lab.StartAsync(job), lab, one, two);
        var steps = kernel.Steps.TakeWhile(static step => !step.Step.StartsWith("delete", StringComparison.Ordinal)).ToList();
        Assert.InRange(steps.Count, 15, 200);
        Assert.Equal(before, State(lab));

        for (var number = 0; number < steps.Count; number++)
        {
            kernel.Refuse(number);
            Container? started = null;
            var fault = await Record.ExceptionAsync(async () => started = await lab.StartAsync(job));
            kernel.Stop();
            if (kernel.Refused is not { } refused)
            {
                // The order of what is not waited for is not always the same: that one belonged to the end.
                await EndAsync(started!, lab, one, two);
                continue;
            }

            Assert.True(fault is NetworkException, $"{number}: {refused}: {fault}");
            Assert.True(fault.Message.Contains(refused.Step, StringComparison.Ordinal) || refused.Step == "change the rules", $"{refused}: {fault.Message}");
            Assert.Matches("E(INVAL|OPNOTSUPP)", fault.Message);
            await SettledAsync(lab, one, two);
            Assert.Equal(before, State(lab));
            Assert.False(await Box.SucceedsInAsync(observer, "nslookup faulty"), refused.Step);
            Assert.False(await Box.SucceedsInAsync(observer, "nslookup alias"), refused.Step);
            using var free = new TcpListener(IPAddress.Any, Published);
            free.Start();
        }

        // Address, ports and names are free.
        await using var last = await lab.StartAsync(job);
        Assert.Equal(Address, last.Networks[0].Address);
    }

    [Fact]
    public async Task Connecting_ThatTheKernelRefusesAtAnyStepLeavesTheContainerAsItWas()
    {
        await using var lab = new NetworkLab();
        var (one, two) = await CreateAsync(lab);
        await using var web = await lab.StartAsync(Box.Web("reached").WithName("web").WithNetwork("two"));
        await using var container = await lab.StartAsync(Box.Sleeper.WithNetwork("two").WithNetworkRate(100.MB, 100.MB)
            .WithEgress(policy => policy.Allow(web.Networks[0].Address.ToString(), 80)));
        using var kernel = new RefusingKernel();
        var connection = new NetworkConnection { Address = Address, Address6 = Address6, Aliases = ["alias"] };
        await lab.Networks.ConnectAsync("one", container, connection, Box.Token);
        await lab.Networks.DisconnectAsync("one", container, Box.Token);
        var before = State(lab);
        var files = await Box.InAsync(container, "cat /etc/hosts /etc/resolv.conf; ip addr; ip route; ip -6 route");
        kernel.Count();
        await lab.Networks.ConnectAsync("one", container, connection, Box.Token);
        var steps = kernel.Steps.ToList();
        kernel.Stop();
        await lab.Networks.DisconnectAsync("one", container, Box.Token);
        Assert.InRange(steps.Count, 8, 100);

        for (var number = 0; number < steps.Count; number++)
        {
            kernel.Refuse(number);
            var fault = await Record.ExceptionAsync(() => lab.Networks.ConnectAsync("one", container, connection, Box.Token));
            kernel.Stop();
            Assert.True(fault is NetworkException, $"{number}: {kernel.Refused}: {fault}");
            await SettledAsync(lab, one, two, remaining: 2);
            Assert.Equal(before, State(lab));
            Assert.Equal(files, await Box.InAsync(container, "cat /etc/hosts /etc/resolv.conf; ip addr; ip route; ip -6 route"));
            Assert.Single(container.Networks);
        }

        Assert.Equal("reached\n", await Box.InAsync(container, $"timeout 5 wget -qO- http://{web.Networks[0].Address}"));
        Assert.Equal(Address, (await lab.Networks.ConnectAsync("one", container, connection, Box.Token)).Address);
    }

    private static async Task<(NetworkInfo One, NetworkInfo Two)> CreateAsync(NetworkLab lab) => (
        await lab.Networks.CreateAsync("one", new NetworkOptions { Subnet = IPNetwork.Parse("10.219.1.0/24"), IPv6 = true, Subnet6 = IPNetwork.Parse("fd00:219:1::/64") }, Box.Token),
        await lab.Networks.CreateAsync("two", new NetworkOptions { Subnet = IPNetwork.Parse("10.219.2.0/24") }, Box.Token));

    private static async Task EndAsync(Container container, NetworkLab lab, NetworkInfo one, NetworkInfo two)
    {
        await container.DisposeAsync();
        await SettledAsync(lab, one, two);
    }

    private static Task SettledAsync(NetworkLab lab, NetworkInfo one, NetworkInfo two, int remaining = 1) => Wait.UntilAsync(() =>
        lab.Networks.Bridges.All(static bridge => bridge.SettledAsync().IsCompleted) &&
        new[] { one, two }.Sum(network => lab.Host.Links.List(lab.Host.Links.Get(network.Bridge!).Index).Count) == remaining);

    /// <summary>What the kernel and the engine have, without what counts or was only ever learnt.</summary>
    private static string State(NetworkLab lab)
    {
        var rules = Regex.Replace(Host.Run("nft", "-s", "list", "ruleset"), @" expires \S+", string.Empty, RegexOptions.NonBacktracking);
        rules = Regex.Replace(rules, @"(?<head>set limit\S+ \{[^{}]*?)\s*elements = \{[^{}]*\}", "${head}", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture);
        var links = string.Join(' ', lab.Host.Links.List().Select(static link => link.Name).Order(StringComparer.Ordinal));
        var endpoints = string.Join(' ', lab.Networks.Bridges.SelectMany(static bridge => bridge.Endpoints).Select(static endpoint => $"{endpoint.Container.Id}:{endpoint.Address4}").Order(StringComparer.Ordinal));
        return $"{rules}\n{links}\n{endpoints}";
    }

    /// <summary>Has the kernel refuse one of the requests that are made to it, by making it one that it does not know.</summary>
    private sealed class RefusingKernel : IDisposable
    {
        private const ushort NoSuchType = 0xfe00;
        private readonly Lock _gate = new();
        private int _refuse = -1;
        private bool _counts;

        public RefusingKernel() => NetlinkSocket.Sending = See;

        public List<(string Step, string? Subject)> Steps { get; } = [];

        public (string Step, string? Subject)? Refused { get; private set; }

        public void Count() => Refuse(-1);

        public void Refuse(int number)
        {
            lock (_gate)
            {
                Steps.Clear();
                Refused = null;
                (_refuse, _counts) = (number, true);
            }
        }

        public void Stop()
        {
            lock (_gate)
            {
                (_refuse, _counts) = (-1, false);
            }
        }

        public void Dispose() => NetlinkSocket.Sending = null;

        private void See(RequestContext context, Span<byte> messages)
        {
            // Bridges are looked after whenever something happens to them, and not for the container.
            if (new StackTrace().GetFrames().Any(static frame => frame.GetMethod()?.DeclaringType == typeof(BridgeCare)))
            {
                return;
            }

            lock (_gate)
            {
                if (!_counts)
                {
                    return;
                }

                if (Steps.Count == _refuse)
                {
                    Refused = (context.Step, context.Subject);
                    Break(messages);
                }

                Steps.Add((context.Step, context.Subject));
            }
        }

        /// <summary>The message itself, or the second of several: the first only begins them.</summary>
        private static void Break(Span<byte> messages)
        {
            var first = MessageReader.Align((int)MemoryMarshal.Read<uint>(messages));
            var at = first < messages.Length ? first : 0;
            var type = (ushort)(NoSuchType | 1);
            MemoryMarshal.Write(messages[(at + 4)..], in type);
        }
    }
}
