using System.Globalization;

namespace Containers.Tests.Hosts;

/// <summary>What an ordinary user's application does with networks.</summary>
internal static class UserWork
{
    private static ContainerBuilder Shell(string script) => ContainerBuilder.FromHost().WithCommand("busybox", "sh", "-c", script).WithTimeout(TimeSpan.FromSeconds(60));

    /// <summary>
    /// <c>user-run:SCRIPT</c> runs it on the network bridge, and prints what it wrote in one line and the bytes that went; <c>user-alone:SCRIPT</c> the
    /// same with a published port only; <c>user-hold</c> serves on a published port until its input ends; <c>user-refused</c> and
    /// <c>user-probe</c> print messages.
    /// </summary>
    public static async Task<int> RunAsync(ContainerEngine engine, string work)
    {
        var colon = work.IndexOf(':', StringComparison.Ordinal);
        var (kind, script) = colon < 0 ? (work, string.Empty) : (work[..colon], work[(colon + 1)..]);
        try
        {
            switch (kind)
            {
                case "user-run":
                case "user-alone":
                    var job = kind == "user-run" ? Shell(script).WithNetwork("bridge") : Shell(script).WithPort(80);
                    var result = await engine.RunAsync(job);
                    Console.WriteLine($"{result.StandardOutput.Text.Trim().ReplaceLineEndings("|")}{(result.IsSuccess ? string.Empty : $" {result}: {result.StandardError.Text.Trim().ReplaceLineEndings("|")}")}");
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Usage.NetworkReceivedBytes} {result.Usage.NetworkSentBytes}"));
                    return 0;

                case "user-hold":
                    await using (var container = await engine.StartAsync(Shell("mkdir /tmp/www; echo held > /tmp/www/index.html; exec busybox httpd -f -p 80 -h /tmp/www").WithNetwork("bridge").WithPort(80, 8080)))
                    {
                        var network = await engine.Networks.InspectAsync("bridge");
                        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{network.Kind} {network.Endpoints.Count} {container.Networks[0].Interface} {container.Networks[0].Address} {container.GetPort(80)}"));
                        _ = await Console.In.ReadToEndAsync();
                    }

                    return 0;

                case "user-refused":
                    await RefusedAsync(engine);
                    return 0;

                default:
                    foreach (var feature in (await engine.ProbeAsync()).Features)
                    {
                        Console.WriteLine($"{feature.Name}: {feature.IsAvailable}, {feature.Detail} {feature.Remedy}");
                    }

                    return 0;
            }
        }
        catch (ContainerException refused)
        {
            Console.WriteLine($"refused: {refused.Message.ReplaceLineEndings("|")}");
            return 0;
        }
    }

    private static async Task RefusedAsync(ContainerEngine engine)
    {
        foreach (var job in new Func<ContainerBuilder, ContainerBuilder>[]
        {
            static job => job.WithNetwork("mine"),
            static job => job.WithNetwork("bridge", aliases: ["alias"]),
            static job => job.WithNetwork("bridge", address: System.Net.IPAddress.Parse("10.0.0.7")),
            static job => job.WithEgress(static policy => policy.Allow("10.0.0.0/8", 443)),
            static job => job.WithNetwork("bridge").WithNetworkRate(1.MB),
            static job => job.WithNetwork("bridge").WithExtraHost("host", "host-gateway"),
            static job => job.WithNetwork("bridge").WithCapability(Capability.NetRaw),
        })
        {
            try
            {
                await using var started = await engine.StartAsync(job(Shell("true")));
                Console.WriteLine("started");
            }
            catch (NetworkException refused)
            {
                Console.WriteLine(refused.Message);
            }
        }

        await using (var owner = await engine.StartAsync(Shell("sleep 60").WithName("owner").WithNetwork("bridge")))
        {
            await using var sharer = await engine.StartAsync(Shell("sleep 60").WithNetworkOf(owner));
            foreach (var (whose, capability) in new[] { (owner, Capability.NetRaw), (sharer, Capability.NetAdmin) })
            {
                try
                {
                    await using var started = await engine.StartAsync(Shell("true").WithNetworkOf(whose).WithCapability(capability));
                    Console.WriteLine("started");
                }
                catch (ContainerException refused)
                {
                    Console.WriteLine(refused.Message);
                }
            }
        }

        try
        {
            await engine.Networks.CreateAsync("mine");
            Console.WriteLine("made");
        }
        catch (NetworkException refused)
        {
            Console.WriteLine(refused.Message);
        }
    }
}
