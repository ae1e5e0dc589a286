using Containers.Benchmarks.Contenders;
using Containers.Benchmarks.Fixtures;
using Containers.Benchmarks.Processes;
using Containers.Benchmarks.Reporting;

namespace Containers.Benchmarks;

/// <summary>The whole comparison, in the order of the report.</summary>
internal sealed class Benchmark(BenchmarkOptions options)
{
    private const string RunAsyncName = "RunAsync";
    private const string OpenName = "RunAsync without seccomp and user namespace";
    private const string ExecAsyncName = "ExecAsync";
    private const string BubblewrapName = "bwrap --unshare-all";
    private const double ManagedBytesBudget = 64;
    private const double DescriptorsBudget = 12;

    private readonly List<(string What, double Measured, double Limit, string Unit)> _budget = [];
    private readonly List<string> _missing = [];

    public async Task RunAsync()
    {
        using var root = new BusyboxRoot(options.Directory);
        await using Subject subject = Subject.Create(root);
        if (options.Once is { } times)
        {
            for (int i = 0; i < times; i++)
            {
                await subject.RunAsync();
            }

            return;
        }

        for (int i = 0; i < options.Settle; i++)
        {
            await subject.RunAsync();
        }

        var layout = CgroupLayout.Detect();
        using var peers = new PeerThread(layout);
        string repository = Machine.Repository();
        using OciRuntime? crun = Runtime("crun", peers, root);
        using OciRuntime? runc = Runtime("runc", peers, root);
        string? floor = FloorContender.Build(peers, repository, root);
        if (floor is null)
        {
            _missing.Add("gcc");
        }

        var report = new Report();
        report.Paragraph("Written by `dotnet run -c Release --project benchmarks/Containers.Benchmarks -- --write`, as root.\n\n"
            + Machine.Describe(layout, options.Directory, Versions(peers, crun, runc)));
        CommandContender[] commands = Commands(peers, root, crun, runc);
        await RunSectionAsync(report, subject, commands, floor, root, layout, [crun, runc]);
        await ExecSectionAsync(report, subject, crun, runc);
        await HostCostSectionAsync(report, subject);
        report.Section("Budget", "The limits this project holds itself to, as ratios of p50 in this run.", Report.Budget(_budget));
        SystemCallSection(report, peers, floor, root, commands);
        if (_missing.Count > 0)
        {
            report.Paragraph($"Not there, so not measured: {string.Join(", ", _missing)}.");
        }

        foreach (CommandContender command in commands)
        {
            command.Dispose();
        }

        Console.Write(report);
        if (options.Write)
        {
            await File.WriteAllTextAsync(Path.Combine(repository, "benchmarks", "RESULTS.md"), report.ToString());
        }
    }

    private CommandContender[] Commands(PeerThread peers, BusyboxRoot root, OciRuntime? crun, OciRuntime? runc)
    {
        var commands = new List<CommandContender>();
        commands.AddRange(new[] { crun, runc }.OfType<OciRuntime>().Select(runtime => runtime.Run()));
        if (ProgramPath.Find("bwrap") is null)
        {
            _missing.Add("bwrap");
        }
        else
        {
            commands.Add(new CommandContender(BubblewrapName, peers,
                "bwrap", "--unshare-all", "--bind", root.Path, "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"));
        }

        commands.Add(new CommandContender("no container", peers, Path.Combine(root.Path, "bin", "true")));
        return [.. commands];
    }

    private async Task RunSectionAsync(
        Report report, Subject subject, CommandContender[] commands, string? floor, BusyboxRoot root, CgroupLayout layout, OciRuntime?[] runtimes)
    {
        using FloorContender? floorContender = floor is null ? null : new FloorContender(floor, root);
        var open = SecurityProfile.Default with { Seccomp = null, UserNamespace = UserNamespace.Host };
        var contenders = new List<IContender>
        {
            new SubjectContender(RunAsyncName, subject.RunAsync),
            new SubjectContender("RunAsync, untrusted profile", () => subject.RunAsync(SecurityProfile.Untrusted)),
            new SubjectContender("RunAsync without seccomp", () => subject.RunAsync(SecurityProfile.Default with { Seccomp = null })),
            new SubjectContender("RunAsync without user namespace", () => subject.RunAsync(SecurityProfile.Default with { UserNamespace = UserNamespace.Host })),
            new SubjectContender(OpenName, () => subject.RunAsync(open)),
        };
        contenders.AddRange(commands);
        if (floorContender is not null)
        {
            contenders.Add(floorContender);
        }

        IReadOnlyList<Measurement> measurements = await Measurement.TakeAsync(contenders, options.Runs, options.WarmUp);
        string withoutTime = string.Join(" and ", runtimes.Where(runtime => runtime is { HasTimeNamespace: false }).Select(runtime => runtime!.Program));
        string introduction = $"""
            `/bin/true` of one busybox root, in namespaces of its own (pid, mount, uts, ipc, network, cgroup, time, user) with loopback only; 100 MB
            of memory, one CPU, 64 processes, the default devices; from the start to removed. {options.Runs} runs each after {options.WarmUp} of warm-up, all
            contenders in every round, each round in another order.

            - RunAsync ran {options.Settle} times before, until the runtime had compiled it for the last time: as in an application that has run
              for some seconds.
            - RunAsync and the floor mount an overlay with a fresh upper directory on the root; crun, runc and bwrap get the plain directory.
            - crun and runc: the bundle asks for the same limits, mounts, masked and read-only paths, capabilities, ids and system call filter.
            - bwrap has no cgroups, no limits, no masked paths and no filter: it does less than the others.
            - The floor has neither filter nor user namespace; it is compared with RunAsync without them.
            - Peers are started with posix_spawn, output to /dev/null, and timed from the spawn until they are reaped. The floor times itself.
            """;
        if (withoutTime.Length > 0)
        {
            introduction += $"\n- {withoutTime} of this release fail when a time namespace is asked for, and run without one.";
        }

        if (layout.HybridMount is { } unified)
        {
            introduction += $"\n- crun refuses a hybrid cgroup layout: all peers are spawned from a thread whose mount namespace has no {unified}.";
        }

        introduction += "\n- \"no container\" is the same spawn of `/bin/true` alone.";
        report.Section("Run", introduction, Report.Times(measurements, ["crun run", "runc run", BubblewrapName, "floor (C, same calls)"]));
        var alone = new List<Measurement>();
        foreach (IContender contender in contenders)
        {
            alone.AddRange(await Measurement.TakeAsync([contender], options.Runs, options.WarmUp));
        }

        report.Section(
            "Run, back to back",
            """
            The same, each contender alone in a loop. On cgroup v1, moving a process through cgroup.procs takes several milliseconds longer when
            no other move was made just before, so crun run is fastest in a loop and slowest after a pause, and its row above depends on how long
            the rest of a round takes. A ratio to crun that has to hold however the rounds are arranged is read here.
            """,
            Report.Times(alone, ["crun run", "runc run", BubblewrapName, "floor (C, same calls)"]));
        AddRatio(measurements, RunAsyncName, "crun run", 0.30);
        AddRatio(measurements, RunAsyncName, "runc run", 0.12);
        AddRatio(measurements, RunAsyncName, BubblewrapName, 1.00);
        AddRatio(measurements, OpenName, "floor (C, same calls)", 1.30);
    }

    private async Task ExecSectionAsync(Report report, Subject subject, OciRuntime? crun, OciRuntime? runc)
    {
        await using Container container = await subject.StartAsync();
        var contenders = new List<IContender> { new SubjectContender(ExecAsyncName, () => Subject.ExecAsync(container)) };
        contenders.AddRange(new[] { crun, runc }.OfType<OciRuntime>().Select(runtime => runtime.Exec()));
        IReadOnlyList<Measurement> measurements = await Measurement.TakeAsync(contenders, options.Runs, options.WarmUp);
        report.Section("Exec", "`/bin/true` in a container that is already running.", Report.Times(measurements, ["crun exec", "runc exec"]));
        AddRatio(measurements, ExecAsyncName, "runc exec", 0.15);
        foreach (IContender contender in contenders)
        {
            contender.Dispose();
        }
    }

    private async Task HostCostSectionAsync(Report report, Subject subject)
    {
        HostCost cost = await HostCost.MeasureAsync(subject);
        double managed = cost.ManagedBytes / 1024;
        var table = new MarkdownTable("managed KB", "descriptors", "threads", "processes besides the job");
        table.Add($"{managed:0.0}", $"{cost.Descriptors:0.0}", $"{cost.Threads:0.0}", $"{cost.ExtraProcesses:0.0}");
        report.Section("Each running container", "What it costs the host process, as the mean of 20.", table);
        _budget.Add(("managed memory", managed, ManagedBytesBudget, "KB"));
        _budget.Add(("descriptors", cost.Descriptors, DescriptorsBudget, "fds"));
        _budget.Add(("threads", cost.Threads, 0, "threads"));
        _budget.Add(("extra processes", cost.ExtraProcesses, 0, "processes"));
    }

    private void SystemCallSection(
        Report report, PeerThread peers, string? floor, BusyboxRoot root, CommandContender[] commands)
    {
        if (ProgramPath.Find("strace") is null)
        {
            _missing.Add("strace");
            return;
        }

        string self = Environment.ProcessPath!;
        var counts = new List<SystemCallCounts>
        {
            SystemCallCounts.OfRepeated(peers, RunAsyncName, runs => [self, "--directory", options.Directory, "--once", runs]),
        };
        if (floor is not null)
        {
            string state = root.SubDirectory("floor-state");
            counts.Add(SystemCallCounts.OfRepeated(peers, "floor", runs => [floor, root.Path, state, "-w", "0", "-n", runs]));
        }

        counts.AddRange(commands.Select(command => SystemCallCounts.Of(peers, command.Name, command.Arguments)));
        report.Section(
            "System calls of one run",
            "`strace -f -c` of all processes of a run: `strace -f -c -- benchmarks/Containers.Benchmarks/bin/Release/net10.0/Containers.Benchmarks "
            + "--once`.\nRunAsync and the floor are the difference of 11 runs and one, divided by ten, which leaves out the start of the program.",
            Report.SystemCalls(counts));
    }

    private OciRuntime? Runtime(string program, PeerThread peers, BusyboxRoot root)
    {
        if (ProgramPath.Find(program) is not null)
        {
            return new OciRuntime(program, peers, root);
        }

        _missing.Add(program);
        return null;
    }

    private void AddRatio(IReadOnlyList<Measurement> measurements, string ours, string reference, double limit)
    {
        Measurement? Find(string name) =>
            measurements.FirstOrDefault(measurement => string.Equals(measurement.Name, name, StringComparison.Ordinal));
        if (Find(ours) is { } measured && Find(reference) is { } compared)
        {
            _budget.Add(($"{ours} / {reference}", measured.P50 / compared.P50, limit, "×"));
        }
    }

    private static List<(string Name, string Version)> Versions(PeerThread peers, OciRuntime? crun, OciRuntime? runc)
    {
        var versions = new List<(string, string)>();
        versions.AddRange(new[] { crun, runc }.OfType<OciRuntime>().Select(runtime => (runtime.Program, runtime.Version)));
        if (ProgramPath.Find("bwrap") is not null)
        {
            versions.Add(("bwrap", peers.Require("bwrap", "--version").Trim()));
        }

        return versions;
    }
}
