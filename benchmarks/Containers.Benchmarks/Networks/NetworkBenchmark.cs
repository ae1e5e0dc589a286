using System.Diagnostics;
using System.Globalization;
using System.Net;
using Containers.Benchmarks.Contenders;
using Containers.Benchmarks.Fixtures;
using Containers.Benchmarks.Processes;
using Containers.Benchmarks.Reporting;

namespace Containers.Benchmarks.Networks;

/// <summary>Containers on a bridge network beside podman's: their start, many of them, and what goes through.</summary>
internal sealed class NetworkBenchmark(BenchmarkOptions options)
{
    private const string Network = "benchmark";
    private const string OnBridge = "RunAsync on a bridge network";
    private const string Without = "RunAsync without network";
    private const string PodmanOnBridge = "podman run on a bridge network";
    private const int Joined = 100;
    private const int Parts = 5;
    private const int JoinRounds = 5;
    private const int ServerPort = 5201;
    private const int PodmanPort = 15201;

    private readonly List<(string What, double Measured, double Limit, string Unit)> _budget = [];

    public async Task RunAsync()
    {
        using var root = new BusyboxRoot(options.Directory);
        var layout = CgroupLayout.Detect();
        using var peers = new PeerThread(layout);
        ProgramCopy.Add(peers, root.Path, "iperf3");
        using PodmanNetwork? podman = ProgramPath.Find("podman") is null ? null : new PodmanNetwork(peers, root.Directory, root.Path);
        await using var engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = root.SubDirectory("state") });
        await engine.Networks.CreateAsync(Network);
        ContainerBuilder job = ContainerBuilder.FromDirectory(root.Path).WithCommand("/bin/true").WithMemory(100.MB).WithCpus(1).WithMaxProcesses(64);

        var report = new Report("Networks");
        report.Paragraph($"Written by `dotnet run -c Release --project benchmarks/Containers.Benchmarks -- --networks --pulls {options.Pulls} --write`, as root.\n\n"
            + Machine.Describe(layout, options.Directory, Versions(peers, podman)));
        await StartSectionAsync(report, engine, job, podman);
        await JoinSectionAsync(report, engine, job);
        await ThroughputSectionAsync(report, engine, job, peers, podman);
        report.Section("Budget", "The limits this project holds itself to, in this run.", Report.Budget(_budget));
        Console.Write(report);
        if (options.Write)
        {
            await File.WriteAllTextAsync(Path.Combine(Machine.Repository(), "benchmarks", "NETWORKS.md"), report.ToString());
        }
    }

    private async Task StartSectionAsync(Report report, ContainerEngine engine, ContainerBuilder job, PodmanNetwork? podman)
    {
        const int slower = 4;
        ContainerBuilder networked = job.WithNetwork(Network);
        ContainerBuilder published = networked.WithPort(80);
        async Task Run(ContainerBuilder builder) => (await engine.RunAsync(builder)).EnsureSuccess();
        for (int i = 0; i < options.Settle / 2; i++)
        {
            await Run(job);
            await Run(published);
        }

        List<IContender> contenders =
        [
            new SubjectContender(Without, () => Run(job)),
            new SubjectContender(OnBridge, () => Run(networked)),
            new SubjectContender($"{OnBridge}, a port published", () => Run(published)),
        ];
        if (podman is not null)
        {
            contenders.Add(podman.Run("podman run without network", "none"));
            contenders.Add(podman.Run(PodmanOnBridge));
        }

        int runs = Math.Max(options.Runs / slower, 5);
        IReadOnlyList<Measurement> measurements = await Measurement.TakeAsync(contenders, runs, Math.Max(options.WarmUp / slower, 1));
        report.Section("Run", $"""
            `/bin/true` of one busybox root with 100 MB of memory, one CPU and 64 processes, from the start to removed. {runs} runs each, all contenders in
            every round, each round in another order. podman's runtime is crun; ours also limits what a container may send as its own
            address, which podman does not.
            """, Report.Times(measurements, [Without, PodmanOnBridge]));
        double bridge = measurements[1].P50;
        _budget.Add(($"{OnBridge} / without", bridge / measurements[0].P50, 2.5, "×"));
        if (podman is not null)
        {
            _budget.Add(($"{OnBridge} / podman's", bridge / measurements[^1].P50, 0.15, "×"));
        }

        contenders.ForEach(static contender => contender.Dispose());
    }

    private async Task JoinSectionAsync(Report report, ContainerEngine engine, ContainerBuilder job)
    {
        const int part = Joined / Parts;
        ContainerBuilder sleeper = job.WithCommand("/bin/sleep", "3600");
        double[][] parts = await JoinAsync(engine, sleeper, sleeper.WithNetwork(Network));
        var table = new MarkdownTable(["p50 ms of containers", .. Enumerable.Range(0, Parts).Select(static i => string.Create(CultureInfo.InvariantCulture, $"{(i * part) + 1} to {(i + 1) * part}"))]);
        foreach ((string what, double[] times) in ((string[])["without network", "on one network"]).Zip(parts))
        {
            table.Add([what, .. times.Select(static time => time.ToString("0.00", CultureInfo.InvariantCulture))]);
        }

        report.Section("Many on one network", $"""
            {Joined} containers that go on running are started one after the other; {JoinRounds} rounds of each kind, alternating. A start takes longer the more
            containers run, with a network or without; what is limited is how much of that is the network's.
            """, table);
        double Grown(int kind) => parts[kind][^1] / parts[kind][0];
        _budget.Add(($"last {part} of {Joined} / first {part} on one network, beside the same without network", Grown(1) / Grown(0), 1.25, "×"));
    }

    /// <summary>The median time of each part of the containers, for each kind.</summary>
    private static async Task<double[][]> JoinAsync(ContainerEngine engine, params ContainerBuilder[] kinds)
    {
        List<double>[][] times = [.. kinds.Select(static _ => Enumerable.Range(0, Parts).Select(static _ => new List<double>()).ToArray())];
        for (int round = 0; round < JoinRounds; round++)
        {
            for (int kind = 0; kind < kinds.Length; kind++)
            {
                var running = new List<Container>(Joined);
                for (int i = 0; i < Joined; i++)
                {
                    long since = Stopwatch.GetTimestamp();
                    running.Add(await engine.StartAsync(kinds[kind]));
                    times[kind][i * Parts / Joined].Add(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
                }

                foreach (Container container in running)
                {
                    await container.DisposeAsync();
                }
            }
        }

        return [.. times.Select(static kind => kind.Select(static part => part.Order().ElementAt(part.Count / 2)).ToArray())];
    }

    private async Task ThroughputSectionAsync(Report report, ContainerEngine engine, ContainerBuilder job, PeerThread peers, PodmanNetwork? podman)
    {
        string[] server = ["iperf3", "-s"];
        const int roundsEachPull = 4;
        const int megabytes = 512;
        int rounds = options.Pulls * roundsEachPull;
        // Not the processor's share is measured here.
        ContainerBuilder unlimited = job.WithCpus(Environment.ProcessorCount);
        await using Container ours = await engine.StartAsync(unlimited.WithCommand(server).WithNetwork(Network).WithPort(ServerPort));
        await using Container client = await engine.StartAsync(unlimited.WithCommand("/bin/sleep", "3600").WithNetwork(Network));
        string[] asMany = ["--cpus", Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture)];
        string? theirs = podman?.Start("server", [.. asMany, "--publish", $"{PodmanPort}:{ServerPort}"], server);
        _ = podman?.Start("client", asMany, "/bin/sleep", "3600");
        using var outside = new OutsideMachine(peers);
        int port = ours.GetPort(ServerPort);
        await AnsweredAsync(port);

        var throughput = new Throughput(rounds, megabytes);
        Func<Task<string>>? Theirs(Func<PodmanNetwork, string> run) => podman is null ? null : () => Task.Run(() => run(podman));
        await throughput.MeasureAsync("container to container",
            async () => (await client.ExecAsync(throughput.Upload(ours.Networks[0].Address.ToString(), ServerPort))).EnsureSuccess().StandardOutput.Text,
            Theirs(podman => podman.Exec("client", throughput.Upload(theirs!, ServerPort))));
        foreach ((string way, string address, Func<string[], string> run) in ((string, string, Func<string[], string>)[])
            [("another machine", OutsideMachine.HostAddress, outside.Run), ("the host's address", OutsideMachine.HostAddress, peers.Require), ("127.0.0.1", IPAddress.Loopback.ToString(), peers.Require)])
        {
            foreach ((string name, Func<string, int, string[]> load) in ((string, Func<string, int, string[]>)[])
                [($"{way} to a published port", throughput.Upload), ($"a published port to {way}", throughput.Download)])
            {
                await throughput.MeasureAsync(name, () => Task.Run(() => run(load(address, port))), Theirs(_ => run(load(address, PodmanPort))));
            }
        }

        report.Section("Throughput", $"""
            TCP, one connection, iperf3 at both ends; the median of {rounds} times {megabytes} MiB each, ours and podman's in turn. What passes through is
            the kernel's work in both, which scatters on a shared machine: a ratio is uncertain by two standard errors of the median of its rounds.
            Both are on one host, so that the packets of each pass the rules of the other too. podman's are fewer: alone on its host it gains by that.
            """, throughput.Table());
        _budget.AddRange(throughput.Ratios.Select(static way => ($"podman's throughput / ours, {way.Way}", way.Ratio, 1.0, "×")));
    }

    private static async Task AnsweredAsync(int port)
    {
        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, port);
    }

    private static List<(string Name, string Version)> Versions(PeerThread peers, PodmanNetwork? podman)
    {
        List<(string, string)> versions = [("iperf3", peers.Require("iperf3", "--version").Split('\n')[0])];
        if (podman is not null)
        {
            versions.Add(("podman", podman.Version));
        }

        return versions;
    }
}
