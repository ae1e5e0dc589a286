using System.Globalization;
using Containers.Benchmarks.Contenders;
using Containers.Benchmarks.Fixtures;
using Containers.Benchmarks.Processes;
using Containers.Benchmarks.Reporting;

namespace Containers.Benchmarks.Images;

/// <summary>Pulls beside those of podman and of skopeo with umoci, and containers of an image beside those of a directory.</summary>
internal sealed class ImageBenchmark(BenchmarkOptions options)
{
    private const string PullName = "PullAsync";
    private const string PodmanName = "podman pull";
    private const string UmociName = "skopeo copy, umoci unpack";
    private static readonly string[] Needed = ["docker-registry", "skopeo", "umoci", "time"];

    private readonly List<(string What, double Measured, double Limit, string Unit)> _budget = [];

    public async Task RunAsync()
    {
        if (Needed.Where(static program => ProgramPath.Find(program) is null).ToArray() is { Length: > 0 } missing)
        {
            throw new BenchmarkException($"not installed: {string.Join(", ", missing)}");
        }

        using var root = new BusyboxRoot(options.Directory);
        var layout = CgroupLayout.Detect();
        using var peers = new PeerThread(layout);
        using LoopbackRegistry registry = await LoopbackRegistry.StartAsync(root.Directory);
        var image = new MachineImage(peers, root.Directory, registry.Host);
        image.Push();

        var report = new Report("Images");
        report.Paragraph("Written by `dotnet run -c Release --project benchmarks/Containers.Benchmarks -- --images --write`, as root.\n\n"
            + Machine.Describe(layout, options.Directory, Versions(peers)));
        report.Paragraph($"Others kept {Load()} processes waiting for the processor on average, in the minute before the first measurement.");
        await PullSectionAsync(report, peers, root, image);
        await StartSectionAsync(report, root, image, peers);
        report.Section("Budget", "The limits this project holds itself to, in this run.", Report.Budget(_budget));
        Console.Write(report);
        if (options.Write)
        {
            await File.WriteAllTextAsync(Path.Combine(Machine.Repository(), "benchmarks", "IMAGES.md"), report.ToString());
        }
    }

    private async Task PullSectionAsync(Report report, PeerThread peers, BusyboxRoot root, MachineImage image)
    {
        PullContender ours = Ours(PullName, peers, root, image.Single);
        PullContender twice = Ours($"{PullName}, twice the size", peers, root, image.Double);
        string directory = Path.Combine(root.Directory, "pulled-by-umoci");
        var contenders = new List<PullContender> { ours, twice };
        contenders.Add(new PullContender(UmociName, peers, directory,
            $"skopeo copy --quiet --insecure-policy --src-tls-verify=false docker://{image.Single} oci:layout:single && umoci unpack --image layout:single bundle"));
        if (ProgramPath.Find("podman") is not null)
        {
            contenders.Add(new PullContender(PodmanName, peers, Path.Combine(root.Directory, "pulled-by-podman"),
                "podman --root root --runroot run --tmpdir tmp --storage-driver overlay --events-backend none "
                + $"pull --quiet --tls-verify=false {image.Single}", "root/overlay"));
        }

        IReadOnlyList<Measurement> measurements = await Measurement.TakeAsync(contenders, options.Pulls, warmUp: 0);
        var podman = measurements.FirstOrDefault(static measurement => measurement.Name == PodmanName);
        var table = new MarkdownTable("what", "p50 s", "slowest s", "processor s", "peak MB", $"× {PodmanName}");
        foreach ((Measurement measurement, PullContender contender) in measurements.Zip(contenders))
        {
            table.Add(measurement.Name, Seconds(measurement.P50), Seconds(measurement.P100), Figure(contender.ProcessorSeconds), Figure(contender.PeakMegabytes),
                podman is null ? string.Empty : Figure(measurement.P50 / podman.P50));
        }

        report.Section("Pull and unpack", $"""
            An image of {image.Size / 1e6:0} MB compressed, {image.Entries} files, links and directories in four layers of this machine's own
            /usr, from docker-registry on the loopback. {options.Pulls} runs each in rounds, each round in another order, each into new storage in
            the same tmpfs. The time is that of the whole program, its start with it; the memory is the most that one process of it had
            (ru_maxrss). The second row is of an image with the same files twice, in eight layers.
            """, table);
        if (podman is not null)
        {
            _budget.Add(("pull and unpack / podman pull", measurements[0].P50 / podman.P50, 0.50, "×"));
        }

        _budget.Add(("peak memory of a pull", ours.PeakMegabytes, 100, "MB"));
        _budget.Add(("peak memory of a pull of twice the size", twice.PeakMegabytes, 100, "MB"));
        _budget.Add(("peak memory, twice the size / once", twice.PeakMegabytes / ours.PeakMegabytes, 1.10, "×"));
        contenders.ForEach(static contender => contender.Dispose());
    }

    private async Task StartSectionAsync(Report report, BusyboxRoot root, MachineImage image, PeerThread peers)
    {
        var engineOptions = new ContainerEngineOptions { StateDirectory = root.SubDirectory("state") };
        engineOptions.Images.Directory = Path.Combine(root.Directory, "images");
        await using var engine = new ContainerEngine(engineOptions);
        ContainerBuilder fromDirectory = Job(ContainerBuilder.FromDirectory(root.Path));
        const string name = "benchmark/busybox";
        string tar = Path.Combine(root.Directory, "root.tar");
        peers.Require("tar", "--create", "--file", tar, "--directory", root.Path, ".");
        await using (FileStream archive = File.OpenRead(tar))
        {
            await engine.Images.ImportAsync(archive, name);
        }

        ContainerBuilder fromImage = Job(ContainerBuilder.FromImage(name));
        for (int i = 0; i < options.Settle / 2; i++)
        {
            (await engine.RunAsync(fromDirectory)).EnsureSuccess();
            (await engine.RunAsync(fromImage)).EnsureSuccess();
        }

        IReadOnlyList<Measurement> runs = await Measurement.TakeAsync(
            [
                new SubjectContender("FromDirectory", async () => (await engine.RunAsync(fromDirectory)).EnsureSuccess()),
                new SubjectContender("FromImage", async () => (await engine.RunAsync(fromImage)).EnsureSuccess()),
            ],
            options.Runs,
            options.WarmUp);
        report.Section("Containers of a stored image", $"""
            `/bin/true` of one busybox root, as a directory and as an image of one layer in the store, from the start to removed;
            {options.Runs} runs each, alternating, after {options.Settle} to warm up.
            """, Report.Times(runs, ["FromDirectory"]));
        _budget.Add(("FromImage − FromDirectory", (runs[1].P50 - runs[0].P50) / 1000, 1, "ms"));

        await engine.Images.PullAsync(image.Single);
        using var client = new HttpClient();
        string[] parts = image.Single.Split('/', ':');
        var manifest = new Uri($"http://{parts[0]}:{parts[1]}/v2/{parts[2]}/manifests/{parts[3]}");
        IReadOnlyList<Measurement> again = await Measurement.TakeAsync(
            [
                new SubjectContender("HEAD of the manifest", async () =>
                {
                    using var request = new HttpRequestMessage(HttpMethod.Head, manifest);
                    request.Headers.Accept.ParseAdd("application/vnd.oci.image.manifest.v1+json");
                    using HttpResponseMessage answer = await client.SendAsync(request);
                    answer.EnsureSuccessStatusCode();
                }),
                new SubjectContender("PullAsync of what is stored", () => engine.Images.PullAsync(image.Single)),
            ],
            options.Runs,
            options.WarmUp);
        report.Section("Pull again", "A tag that still means what is stored, beside the one request that this takes.", Report.Times(again, ["HEAD of the manifest"]));
        _budget.Add(("second pull − round trip", (again[1].P50 - again[0].P50) / 1000, 20, "ms"));
    }

    private static ContainerBuilder Job(ContainerBuilder builder) =>
        builder.WithCommand("/bin/true").WithMemory(100.MB).WithCpus(1).WithMaxProcesses(64);

    private static PullContender Ours(string name, PeerThread peers, BusyboxRoot root, string reference)
    {
        string directory = Path.Combine(root.Directory, "pulled-by-us");
        return new PullContender(name, peers, directory, $"exec {Environment.ProcessPath} --directory {directory} --pull {reference}");
    }

    private static List<(string Name, string Version)> Versions(PeerThread peers) =>
    [
        .. ((string[])["podman", "skopeo", "umoci"]).Where(static program => ProgramPath.Find(program) is not null)
            .Select(program => (program, peers.Require(program, "--version").Split('\n')[0])),
    ];

    private static string Load() => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    private static string Seconds(double microseconds) => Figure(microseconds / 1e6);

    private static string Figure(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
}
