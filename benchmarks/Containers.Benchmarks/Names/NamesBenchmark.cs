using System.Globalization;
using System.Net;
using Containers.Benchmarks.Fixtures;
using Containers.Benchmarks.Networks;
using Containers.Benchmarks.Processes;
using Containers.Benchmarks.Reporting;
using Containers.Names;

namespace Containers.Benchmarks.Names;

/// <summary>Answers a second and how long they take, from the server that each network has, and from that of podman's network.</summary>
internal sealed class NamesBenchmark(BenchmarkOptions options)
{
    private const string Network = "benchmark";
    private const string Asked = "web";
    private const string Elsewhere = "example.org";
    private const int Containers = 500;
    private const int Rounds = 9;

    /// <summary>Forwarding takes longer.</summary>
    private const int ForwardedShare = 4;

    private static readonly (int Clients, int Window)[] Loads = [(1, 1), (2, 8), (4, 16)];

    /// <summary>The resolver of the machine, as both networks see it: an address that is not loopback's, and the port that resolv.conf stands for.</summary>
    private static readonly IPEndPoint Resolver = new(IPAddress.Parse("198.51.100.53"), ResolverConfiguration.Port);

    private readonly List<(string What, double Measured, double Limit, string Unit)> _budget = [];
    private readonly int _answers = options.Runs * 100;

    public async Task RunAsync()
    {
        using var root = new BusyboxRoot(options.Directory);
        var layout = CgroupLayout.Detect();
        using var peers = new PeerThread(layout);
        peers.Require("ip", "address", "add", Resolver.Address.ToString(), "dev", "lo");
        string resolverFile = Path.Combine(root.Directory, "resolv.conf");
        await File.WriteAllTextAsync(resolverFile, $"nameserver {Resolver.Address}\n");
        peers.Require("mount", "--bind", resolverFile, HostResolvers.DefaultPath);
        using var resolver = new LoopbackResolver(Resolver);
        using PodmanNetwork? podman = ProgramPath.Find("podman") is null ? null : new PodmanNetwork(peers, root.Directory, root.Path);

        var report = new Report("Names");
        report.Paragraph("Written by `dotnet run -c Release --project benchmarks/Containers.Benchmarks -- --names --write`, as root.\n\n"
            + Machine.Describe(layout, options.Directory, podman is null ? [] : [("podman", podman.Version)]));
        await ServerSectionAsync(report);
        await NetworkSectionAsync(report, root, podman);
        report.Section("Budget", "The limits this project holds itself to, in this run.", Report.Budget(_budget));
        Console.Write(report);
        if (options.Write)
        {
            await File.WriteAllTextAsync(Path.Combine(Machine.Repository(), "benchmarks", "NAMES.md"), report.ToString());
        }
    }

    private async Task ServerSectionAsync(Report report)
    {
        using var upstream = new LoopbackResolver(new IPEndPoint(IPAddress.Loopback, 0));
        var registry = new NameRegistry(new HostResolvers());
        NameZone zone = registry.AddZone("net", [IPNetwork.Parse("10.1.0.0/16")], isInternal: false);
        registry.AddContainer([upstream.EndPoint]).Join(zone, [IPAddress.Loopback], "client");
        for (int i = 0; i < Containers; i++)
        {
            registry.AddContainer().Join(zone, [IPAddress.Parse($"10.1.{i >> 8}.{i & 255}")], $"web{i}", "service" + (i % 50));
        }

        await using NameServer server = NameServer.Start(IPAddress.Loopback, zone, new QueryForwarder());
        NameQuestion[] questions =
        [
            new("a container's name", "web250", server.EndPoint),
            new("an alias of ten containers", "service7", server.EndPoint),
            new("forwarded to a resolver", Elsewhere, server.EndPoint, ForwardedShare),
            new("that resolver, asked itself", Elsewhere, upstream.EndPoint),
        ];
        var table = new MarkdownTable("what", "clients × under way", "answers/s", "p50 µs", "p99 µs", "bytes allocated each");
        foreach ((int clients, int window) in Loads)
        {
            foreach ((NameQuestion question, NameLoad.Result result) in questions.Zip(Measure(questions, clients, window)))
            {
                table.Add(question.What, $"{clients} × {window}", Figure(result.Rate), Figure(result.P50), Figure(result.P99), Figure(result.AllocatedBytes));
                if (result.Lost > 0)
                {
                    throw new BenchmarkException($"{question.What}: {result.Lost} questions without an address in time");
                }
            }
        }

        report.Section("Answers of a network's server", $"""
            Over UDP and the loopback, with {Containers} containers of two names each. Each client has a number of questions under way all the time; server,
            clients and resolver share this machine's {Environment.ProcessorCount} processors. The medians of {Rounds} rounds.
            """, table);
    }

    private async Task NetworkSectionAsync(Report report, BusyboxRoot root, PodmanNetwork? podman)
    {
        string[] sleep = ["/bin/sleep", "3600"];
        await using var engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = root.SubDirectory("state") });
        await engine.Networks.CreateAsync(Network);
        ContainerBuilder sleeper = ContainerBuilder.FromDirectory(root.Path).WithCommand(sleep).WithNetwork(Network).WithDns(Resolver.Address);
        await using Container asked = await engine.StartAsync(sleeper.WithName(Asked));
        await using Container asking = await engine.StartAsync(sleeper);
        using var ours = new ContainerClient(asking.ProcessId!.Value);
        (string What, string Name, int Share)[] kinds = [("a container's name", Asked, 1), ("forwarded to a resolver", Elsewhere, ForwardedShare)];
        var questions = kinds.Select(kind => new NameQuestion(kind.What, kind.Name, ours.Connect, kind.Share)).ToList();
        using ContainerClient? theirs = podman is null ? null : StartTheirs(podman, sleep);
        if (theirs is not null)
        {
            questions.AddRange(kinds.Select(kind => new NameQuestion($"{kind.What}, podman's", kind.Name, theirs.Connect, kind.Share)));
        }

        var table = new MarkdownTable("what", "clients × under way", "answers/s", "p50 µs", "p99 µs", "lost", "× podman's answers/s", "× podman's p99");
        foreach ((int clients, int window) in Loads)
        {
            string load = $"{clients} × {window}";
            NameLoad.Result[] results = Measure(questions, clients, window);
            for (int i = 0; i < questions.Count; i++)
            {
                NameLoad.Result result = results[i];
                string[] ratios = [string.Empty, string.Empty];
                if (i + kinds.Length < results.Length)
                {
                    NameLoad.Result reference = results[i + kinds.Length];
                    ratios = [Ratio(result.Rate / reference.Rate), Ratio(result.P99 / reference.P99)];
                    _budget.Add(($"podman's answers/s / ours, {questions[i].What}, {load}", reference.Rate / result.Rate, 1.0, "×"));
                    _budget.Add(($"our p99 / podman's, {questions[i].What}, {load}", result.P99 / reference.P99, 1.0, "×"));
                }

                table.Add([questions[i].What, load, Figure(result.Rate), Figure(result.P50), Figure(result.P99), Figure(result.Lost), .. ratios]);
            }
        }

        report.Section("As containers see it, beside podman's", $"""
            Over UDP, from the network namespace of a container, of the server that its resolv.conf names: on one of our bridge networks, and on one of podman's;
            two containers on each. All that is not a container's name both ask of the same resolver, which is this program's. The same clients and load
            for both, in turn, in the same run; the medians of {Rounds} rounds. A question is lost if no address comes within {NameLoad.Patience / 1000} s, in any of them.
            """, table);
    }

    private static ContainerClient StartTheirs(PodmanNetwork podman, string[] command)
    {
        const string asking = "client";
        podman.Start(Asked, [], command);
        podman.Start(asking, [], command);
        return new ContainerClient(podman.ProcessId(asking));
    }

    /// <summary>The medians of all rounds for each question, and all that was lost. In every round each is asked.</summary>
    private NameLoad.Result[] Measure(IReadOnlyList<NameQuestion> questions, int clients, int window)
    {
        NameLoad.Result[][] results = [.. questions.Select(static _ => new NameLoad.Result[Rounds])];
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < questions.Count; i++)
            {
                results[i][round] = new NameLoad(questions[i], clients, window, _answers / questions[i].Share / clients).Run();
            }
        }

        return [.. results.Select(static rounds => new NameLoad.Result(
            Median(rounds.Select(static round => round.Rate)),
            Median(rounds.Select(static round => round.P50)),
            Median(rounds.Select(static round => round.P99)),
            Median(rounds.Select(static round => round.AllocatedBytes)),
            rounds.Sum(static round => round.Lost)))];
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);

    private static string Ratio(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Figure(double value) => value.ToString("0", CultureInfo.InvariantCulture);
}
