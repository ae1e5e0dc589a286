using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Containers.Tests.Networks;

namespace Containers.Tests.Egress;

/// <summary>Networks that are far away. Not every kernel can delay packets; the machine's does.</summary>
[Trait("Category", "Vm")]
public class LatencyTests
{
    private const int Added = 400;

    [Fact]
    public async Task WithNetworkLatency_IsThereInBothDirectionsOrNamesTheModule()
    {
        await using var lab = new NetworkLab();
        await using var near = await lab.StartAsync(Box.Shell("nc -l -p 5000 > /dev/null; sleep 600").WithNetwork("bridge").WithCapability(Capability.NetRaw));
        var job = Box.Sleeper.WithNetwork("bridge").WithCapability(Capability.NetRaw).WithNetworkLatency(TimeSpan.FromMilliseconds(Added / 2)).WithNetworkRate(sentBytesPerSecond: 256.KB);
        Container far;
        try
        {
            far = await lab.StartAsync(job);
        }
        catch (NetworkException missing)
        {
            Assert.Contains("sch_netem", missing.Message, StringComparison.Ordinal);
            var modules = $"/lib/modules/{(await File.ReadAllTextAsync("/proc/sys/kernel/osrelease", Box.Token)).Trim()}/kernel/net/sched";
            Assert.Empty(Directory.Exists(modules) ? Directory.GetFiles(modules, "sch_netem*") : []);
            Assert.DoesNotContain((await lab.Networks.InspectAsync("bridge", Box.Token)).Endpoints, endpoint => endpoint.ContainerId != near.Id);
            await Wait.UntilAsync(() => lab.Host.Links.List(lab.Host.Links.Get(lab.Networks.Bridges.Single().Bridge).Index).Count == 1);
            return;
        }

        await using (far)
        {
            var gateway = (await lab.Networks.InspectAsync("bridge", Box.Token)).Gateway!;
            Assert.InRange(await PingAsync(near, gateway), 0, Added - 1);
            Assert.InRange(await PingAsync(far, gateway), Added, Added * 2);
            Assert.InRange(await PingAsync(near, far.Networks[0].Address), Added, Added * 2);

            // Behind the way is the narrow end: half a MiB takes two seconds, and what has gone ahead (the bucket and the sockets' buffers) less.
            var watch = Stopwatch.StartNew();
            await Box.InAsync(far, $"dd if=/dev/zero bs=64k count=8 2> /dev/null | timeout 30 nc -w 10 {near.Networks[0].Address} 5000");
            Assert.InRange(watch.Elapsed.TotalSeconds, 1.2, 15);
        }
    }

    /// <returns>The shortest time, in milliseconds: a machine that is busy only adds to it.</returns>
    private static async Task<double> PingAsync(Container from, IPAddress to)
    {
        var shown = await Box.InAsync(from, $"ping -c 2 -W 5 {to}");
        var times = Regex.Match(shown, "min/avg/max = (?<least>[0-9.]+)/", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture);
        Assert.True(times.Success, shown);
        return double.Parse(times.Groups["least"].Value, CultureInfo.InvariantCulture);
    }
}
