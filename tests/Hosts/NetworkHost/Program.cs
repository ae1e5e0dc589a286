using System.Globalization;
using Containers;
using Containers.Tests.Hosts;
using Microsoft.Extensions.Logging;

// An application with networks, in a network namespace that a test made, to be killed by it. Arguments: its engine's state directory, and
// what it does:
//   churn        networks, containers and connections without end
//   once         one network with one container, and ends
//   attack:PORT  a container that sends to a port of the host all the time; prints the host's address that it sends to
//   publish      one container with published ports, until its input ends
//   overlay:…    a network across hosts with one container; does what its input says (OverlayWork)
//   user…        what an ordinary user has of networks: UserWork
//   away:URL     one network; prints whether a container can fetch the URL, whether it gets answers to names, and how often it was told that others
//                forbid either; again for each line of its input
//   router:URL   one network; prints the setting of forwarding before and after, whether a container can fetch the URL, and how often a
//                warning was logged; ends with its input
if (args is not [var state, var work])
{
    await Console.Error.WriteLineAsync("usage: NetworkHost STATE-DIRECTORY churn|once|attack:PORT|publish|overlay:…|away:URL|router:URL");
    return 2;
}

using var log = new WarningCount();
await using var engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = state, LoggerFactory = log });
var job = ContainerBuilder.FromHost().WithCommand("/bin/sleep", "60");
switch (work)
{
    case "churn":
        await engine.Networks.CreateAsync("fixed");
        await using (await engine.StartAsync(job.WithNetwork("fixed")))
        {
            Console.WriteLine("running");
            for (var round = 0; ; round++)
            {
                var name = string.Create(CultureInfo.InvariantCulture, $"round{round}");
                await engine.Networks.CreateAsync(name, new NetworkOptions { IPv6 = round % 2 == 0 });
                var containers = await Task.WhenAll(engine.StartAsync(job.WithNetwork(name).WithNetwork("fixed")), engine.StartAsync(job.WithNetwork("fixed").WithPort(80)));
                await engine.Networks.ConnectAsync(name, containers[1]);
                await engine.Networks.DisconnectAsync("fixed", containers[0]);
                await Task.WhenAll(containers.Select(static container => container.DisposeAsync().AsTask()));
                await engine.Networks.RemoveAsync(name);
            }
        }

    case "once":
        await engine.Networks.CreateAsync("once");
        (await engine.RunAsync(ContainerBuilder.FromHost().WithCommand("/bin/true").WithNetwork("once"))).EnsureSuccess();
        Console.WriteLine("ran");
        return 0;

    case "publish":
        await using (var container = await engine.StartAsync(job.WithPort(80, 8080).WithPort("5353:53/udp")))
        {
            Console.WriteLine($"published {container.GetPort(80)} {container.GetPort(53, PortProtocol.Udp)}");
            _ = await Console.In.ReadToEndAsync();
        }

        return 0;

    case var attack when attack.StartsWith("attack:", StringComparison.Ordinal):
        var gateway = (await engine.Networks.CreateAsync("attack")).Gateway!;
        const string Send = "exec 3>/dev/udp/$0/$1; while :; do echo x >&3; done 2>/dev/null";
        await using (await engine.StartAsync(ContainerBuilder.FromHost().WithCommand("/bin/bash", "-c", Send, gateway.ToString(), attack["attack:".Length..]).WithNetwork("attack")))
        {
            Console.WriteLine(gateway);
            _ = await Console.In.ReadToEndAsync();
        }

        return 0;

    case var away when away.StartsWith("away:", StringComparison.Ordinal):
        do
        {
            var made = await engine.Networks.CreateAsync("away");
            async Task<bool> Succeeds(params string[] command) =>
                (await engine.RunAsync(ContainerBuilder.FromHost().WithName("asker").WithCommand(["busybox", .. command]).WithTimeout(TimeSpan.FromSeconds(3)).WithNetwork("away"))).IsSuccess;
            var (goesOut, hears) = (await Succeeds("wget", "-qO-", away["away:".Length..]), await Succeeds("nslookup", "asker"));
            Console.WriteLine($"out {goesOut}, names {hears}; told {log[WarningCount.OthersRefuseForwarded]} and {log[WarningCount.OthersRefuseInput]}");
            await engine.Networks.RemoveAsync(made.Name);
        }
        while (await Console.In.ReadLineAsync() is not null);

        return 0;

    case var overlay when overlay.StartsWith("overlay:", StringComparison.Ordinal):
        await OverlayWork.RunAsync(engine, overlay["overlay:".Length..]);
        return 0;

    case ['u', 's', 'e', 'r', ..]:
        return await UserWork.RunAsync(engine, work);

    default:
        var url = work[(work.IndexOf(':', StringComparison.Ordinal) + 1)..];
        const string Setting = "/proc/sys/net/ipv4/ip_forward";
        var before = (await File.ReadAllTextAsync(Setting)).Trim();
        await engine.Networks.CreateAsync("way");
        var after = (await File.ReadAllTextAsync(Setting)).Trim();
        var fetched = await engine.RunAsync(ContainerBuilder.FromHost().WithCommand("busybox", "timeout", "3", "busybox", "wget", "-qO-", url).WithNetwork("way"));
        Console.WriteLine($"forwarding {before} {after}; container out {fetched.IsSuccess}; warned {log[WarningCount.ForwardingEnabled]}");
        _ = await Console.In.ReadToEndAsync();
        return 0;
}
