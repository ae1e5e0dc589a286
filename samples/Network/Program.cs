using Containers;

// A web server in a container, a client in another that reaches it by its name, and a port of this machine that leads to it. Root is needed
// for bridges, and an ordinary user sees what there is without; the only program used is this machine's busybox.
//
//   sudo dotnet run --project samples/Network
try
{
    await using var engine = new ContainerEngine();
    if (!Environment.IsPrivilegedProcess)
    {
        return await UserAsync(engine);
    }

    var network = await engine.Networks.CreateAsync("shop");
    Console.WriteLine($"network {network.Name}: {network.Subnet} on bridge {network.Bridge}, gateway {network.Gateway}");

    var server = ContainerBuilder.FromHost()
        .WithName("web")
        .WithFile("/www/index.html", "hello from a container\n")
        .WithCommand("busybox", "httpd", "-f", "-p", "80", "-h", "/www")
        .WithNetwork("shop", aliases: ["store"])
        .WithPort(80);
    await using var web = await engine.StartAsync(server);
    Console.WriteLine($"container {web.Name}: {web.Networks[0].Address}, its port 80 is port {web.GetPort(80)} of this machine");

    foreach (var name in (string[])["web", "store"])
    {
        var client = ContainerBuilder.FromHost().WithCommand("busybox", "wget", "-qO-", $"http://{name}/").WithNetwork("shop").WithTimeout(TimeSpan.FromSeconds(10));
        var page = (await engine.RunAsync(client)).EnsureSuccess();
        Console.WriteLine($"a client asks http://{name}/: {page.StandardOutput.Text.TrimEnd()} ({page.Usage.NetworkReceivedBytes} bytes came, {page.Usage.NetworkSentBytes} went)");
    }

    using var http = new HttpClient();
    Console.WriteLine($"this machine asks http://127.0.0.1:{web.GetPort(80)}/: {(await http.GetStringAsync($"http://127.0.0.1:{web.GetPort(80)}/")).TrimEnd()}");

    // Another network is another world.
    await engine.Networks.CreateAsync("elsewhere");
    var stranger = ContainerBuilder.FromHost().WithCommand("busybox", "wget", "-qO-", $"http://{web.Networks[0].Address}/").WithNetwork("elsewhere").WithTimeout(TimeSpan.FromSeconds(2));
    Console.WriteLine($"a container on another network asks {web.Networks[0].Address}: {(await engine.RunAsync(stranger)).Outcome}, with no answer");
    return 0;
}
catch (ContainerException fault)
{
    Console.Error.WriteLine(fault.Message);
    return 1;
}

// An ordinary user's containers do not reach each other. A port is published all the same, and pasta, where it is installed, is the way out.
static async Task<int> UserAsync(ContainerEngine engine)
{
    foreach (var feature in (await engine.ProbeAsync()).Features.Where(static feature => feature.Name is "published ports" or "way out"))
    {
        Console.WriteLine($"{feature.Name}: {(feature.IsAvailable ? "yes" : "no")}, {feature.Detail}. {feature.Remedy}");
    }

    var server = ContainerBuilder.FromHost().WithFile("/www/index.html", "hello from a container\n").WithCommand("busybox", "httpd", "-f", "-p", "80", "-h", "/www").WithPort(80);
    await using var web = await engine.StartAsync(server);
    using var http = new HttpClient();
    for (var attempt = 0; ; attempt++)
    {
        try
        {
            Console.WriteLine($"this machine asks http://127.0.0.1:{web.GetPort(80)}/: {(await http.GetStringAsync($"http://127.0.0.1:{web.GetPort(80)}/")).TrimEnd()}");
            break;
        }
        catch (HttpRequestException) when (attempt < 100)
        {
            // The server has only just been started.
            await Task.Delay(20);
        }
    }

    try
    {
        var job = ContainerBuilder.FromHost().WithCommand("busybox", "sh", "-c", "busybox ip -4 -o addr show dev eth0; busybox ip route").WithNetwork("bridge");
        Console.WriteLine($"a container on the network bridge, which is of the kind {(await engine.Networks.InspectAsync("bridge")).Kind}:");
        Console.WriteLine((await engine.RunAsync(job)).EnsureSuccess().StandardOutput.Text.TrimEnd());
    }
    catch (NetworkException refused)
    {
        Console.WriteLine(refused.Message);
    }

    return 0;
}
