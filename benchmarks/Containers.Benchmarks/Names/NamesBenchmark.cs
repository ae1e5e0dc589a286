using System.Globalization;
using System.Net;
using System.Text;
using Containers.Benchmarks.Fixtures;
using Containers.Benchmarks.Processes;
using Containers.Benchmarks.Reporting;
using Containers.Names;

namespace Containers.Benchmarks.Names;

/// <summary>Answers a second and how long they take, from the server that each network has.</summary>
internal sealed class NamesBenchmark(BenchmarkOptions options)
{
    private const int Containers = 500;
    private const int Rounds = 5;

    private static readonly (int Clients, int Window)[] Loads = [(1, 1), (2, 8), (4, 16)];

    public async Task RunAsync()
    {
        using var upstream = new LoopbackResolver();
        var registry = new NameRegistry(new HostResolvers());
        NameZone zone = registry.AddZone("net", [IPNetwork.Parse("10.1.0.0/16")], isInternal: false);
        registry.AddContainer([upstream.EndPoint]).Join(zone, [IPAddress.Loopback], "client");
        for (int i = 0; i < Containers; i++)
        {
            registry.AddContainer().Join(zone, [IPAddress.Parse($"10.1.{i >> 8}.{i & 255}")], $"web{i}", "service" + (i % 50));
        }

        await using NameServer server = NameServer.Start(IPAddress.Loopback, zone, new QueryForwarder());
        var table = new MarkdownTable("what", "clients × under way", "answers/s", "p50 µs", "p99 µs", "bytes allocated each");
        int answers = options.Runs * 100;
        foreach ((int clients, int window) in Loads)
        {
            Add(table, "a container's name", server.EndPoint, Query("web250"), clients, window, answers);
            Add(table, "an alias of ten containers", server.EndPoint, Query("service7"), clients, window, answers);
            Add(table, "forwarded to a resolver", server.EndPoint, Query("example.org"), clients, window, answers / 10);
            Add(table, "that resolver, asked itself", upstream.EndPoint, Query("example.org"), clients, window, answers);
        }

        var report = new Report("Names");
        report.Paragraph("Written by `dotnet run -c Release --project benchmarks/Containers.Benchmarks -- --names --write`, as root.\n\n" + Machine.Describe(CgroupLayout.Detect(), options.Directory, []));
        report.Section("Answers of a network's server", $"""
            Over UDP and the loopback, with {Containers} containers of two names each. Each client has a number of questions under way all the time; server,
            clients and resolver share this machine's {Environment.ProcessorCount} processors. The best of {Rounds} rounds by answers a second.
            """, table);
        Console.Write(report);
        if (options.Write)
        {
            await File.WriteAllTextAsync(Path.Combine(Machine.Repository(), "benchmarks", "NAMES.md"), report.ToString());
        }
    }

    private static void Add(MarkdownTable table, string what, IPEndPoint server, byte[] query, int clients, int window, int answers)
    {
        NameLoad.Result best = default;
        for (int round = 0; round < Rounds; round++)
        {
            NameLoad.Result result = new NameLoad(server, query, clients, window, answers / clients).Run();
            if (result.Lost > 0)
            {
                throw new BenchmarkException($"{what}: {result.Lost} answers without an address");
            }

            best = result.Rate > best.Rate ? result : best;
        }

        table.Add(what, $"{clients} × {window}", Figure(best.Rate), Figure(best.P50), Figure(best.P99), Figure(best.AllocatedBytes));
    }

    private static byte[] Query(string name) =>
        [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. name.Split('.').SelectMany(static label => (byte[])[(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]), 0, 0, 1, 0, 1];

    private static string Figure(double value) => value.ToString("0", CultureInfo.InvariantCulture);
}
