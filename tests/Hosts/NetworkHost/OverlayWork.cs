using System.Net;

namespace Containers.Tests.Hosts;

/// <summary>
/// One host of a network across hosts. What it is: <c>id,number,local,peer+peer…</c>; it gives the addresses 10.99.number.0/24 and
/// fd00:99:0:0:number::/80 of the network. Prints its container's address, IPv6 address and gateway, then answers each line of its input with one,
/// in which line ends are bars:
///   exec SCRIPT        what the script wrote in the container
///   other SCRIPT       the same in a container of another network
///   peers ADDRESS …    other peers
///   inspect            peers and refused packets
/// </summary>
internal static class OverlayWork
{
    private const string Name = "across";

    public static async Task RunAsync(ContainerEngine engine, string what)
    {
        var words = what.Split(',');
        var network = await engine.Networks.CreateAsync(Name, new NetworkOptions
        {
            Subnet = IPNetwork.Parse("10.99.0.0/16"),
            AddressRange = IPNetwork.Parse($"10.99.{words[1]}.0/24"),
            IPv6 = true,
            Subnet6 = IPNetwork.Parse("fd00:99::/64"),
            AddressRange6 = IPNetwork.Parse($"fd00:99:0:0:{words[1]}::/80"),
            Overlay = new OverlayOptions { NetworkId = int.Parse(words[0], System.Globalization.CultureInfo.InvariantCulture), Local = IPAddress.Parse(words[2]), Peers = Addresses(words[3], '+') },
        });
        const string Serve = "mkdir /tmp/www && echo host $0 > /tmp/www/index.html && head -c 3000000 /dev/zero > /tmp/www/large && busybox httpd -h /tmp/www && exec sleep 60";
        await using var container = await engine.StartAsync(ContainerBuilder.FromHost().WithCommand("/bin/sh", "-c", Serve, words[1])
            .WithNetwork(Name).WithName($"host{words[1]}").WithPort(80, 8080).WithCapability(Capability.NetRaw));
        await using var other = await engine.StartAsync(ContainerBuilder.FromHost().WithCommand("/bin/sleep", "60").WithNetwork("bridge"));
        Console.WriteLine($"{container.Networks[0].Address} {container.Networks[0].Address6} {network.Gateway}");
        while (await Console.In.ReadLineAsync() is { } line)
        {
            var (verb, rest) = line.Split(' ', 2) is [var first, var second] ? (first, second) : (line, string.Empty);
            Console.WriteLine(verb switch
            {
                "exec" => await InAsync(container, rest),
                "other" => await InAsync(other, rest),
                "peers" => Say(await engine.Networks.SetPeersAsync(Name, Addresses(rest, ' '))),
                _ => Say(await engine.Networks.InspectAsync(Name)),
            });
        }
    }

    private static IPAddress[] Addresses(string list, char separator) => [.. list.Split(separator, StringSplitOptions.RemoveEmptyEntries).Select(IPAddress.Parse)];

    private static string Say(NetworkInfo network) => $"peers {string.Join(' ', network.Overlay!.Peers)} refused {network.Overlay.RefusedPackets}";

    private static async Task<string> InAsync(Container container, string script)
    {
        var result = await container.ExecAsync(["/bin/busybox", "sh", "-c", script]);
        return $"{result.IsSuccess} {(result.StandardOutput.Text + result.StandardError.Text).Replace('\n', '|')}";
    }
}
