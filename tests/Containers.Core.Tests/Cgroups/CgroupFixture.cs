using System.Diagnostics;
using Containers.Cgroups;
using Containers.Cgroups.Devices;
using Containers.Specification;

namespace Containers.Tests.Cgroups;

/// <summary>An engine's groups of its own for each test, and processes put into a container's; all gone afterwards.</summary>
internal sealed class CgroupFixture : IDisposable
{
    private readonly List<ContainerCgroup> _cgroups = [];
    private readonly List<Process> _processes = [];
    private int _containers;

    private CgroupFixture(CgroupLayout layout, string name)
    {
        EngineName = name;
        Host = CgroupHost.From(layout, name);
    }

    public string EngineName { get; }

    public CgroupHost Host { get; }

    /// <summary>As this host is.</summary>
    public static CgroupFixture Create() => new(CgroupLayout.OfThisProcess(), NewName());

    /// <summary>As if the v2 tree of a hybrid host were not there.</summary>
    public static CgroupFixture CreateV1()
    {
        var layout = CgroupLayout.OfThisProcess();
        Assert.SkipUnless(layout.Mounts.Any(static mount => !mount.IsV2), "no cgroup v1 hierarchy is mounted");
        return new(new CgroupLayout([.. layout.Mounts.Where(static mount => !mount.IsV2)]), NewName());
    }

    /// <summary>As if the v1 hierarchies of a hybrid host were not there; its v2 tree lacks the controllers they took.</summary>
    public static CgroupFixture CreateV2()
    {
        var layout = CgroupLayout.OfThisProcess();
        Assert.SkipUnless(layout.Mounts.Any(static mount => mount.IsV2), "the cgroup v2 tree is not mounted");
        return new(new CgroupLayout([.. layout.Mounts.Where(static mount => mount.IsV2)]), NewName());
    }

    public static CgroupFixture Of(string kind)
    {
        var fixture = kind switch
        {
            "v1" => CreateV1(),
            "v2" => CreateV2(),
            _ => Create(),
        };
        if (fixture.Host.Find(kind is "v2" ? CgroupController.Freezer : CgroupController.Memory) is null)
        {
            fixture.Dispose();
            Assert.Skip("this user may make no control groups here");
        }

        return fixture;
    }

    public static string NewName() => $"test-{Guid.NewGuid():N}";

    public ContainerCgroup Make(ResourceLimits? limits = null, params IReadOnlyList<DeviceRule> devices)
    {
        var cgroup = Host.Create($"c{_containers++}", limits ?? new ResourceLimits { MaxProcesses = null }, devices);
        _cgroups.Add(cgroup);
        return cgroup;
    }

    /// <summary>Runs a shell script in the groups, entered by the shell itself.</summary>
    public Process Start(ContainerCgroup cgroup, string script)
    {
        var enter = cgroup.Paths
            .Where(static path => File.Exists(path + "/cgroup.controllers"))
            .Select(static path => path + "/cgroup.procs")
            .Concat(cgroup.JoinFiles)
            .Select(static file => $"echo 0 > '{file}' || exit 99\n");
        var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", string.Concat(enter) + script])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        _processes.Add(process);
        return process;
    }

    public (int ExitCode, string Output, string Error) Run(ContainerCgroup cgroup, string script)
    {
        var process = Start(cgroup, script);
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(60_000));
        return (process.ExitCode, output, error.Result);
    }

    public void Dispose()
    {
        foreach (var cgroup in _cgroups)
        {
            cgroup.KillAll(TimeSpan.FromSeconds(5));
        }

        foreach (var process in _processes)
        {
            if (!process.HasExited)
            {
                process.Kill();
            }

            process.WaitForExit();
            process.Dispose();
        }

        foreach (var cgroup in _cgroups)
        {
            cgroup.Remove();
            cgroup.Dispose();
        }

        Host.Dispose();
        Assert.Empty(Left(EngineName));
    }

    /// <summary>Directories of an engine in any hierarchy.</summary>
    public static IReadOnlyList<string> Left(string engineName) =>
    [
        .. CgroupLayout.OfThisProcess().Mounts
            .Select(static mount => CgroupHierarchy.Find(mount, Interop.Libc.EffectiveUserId()))
            .Where(static hierarchy => hierarchy.BasePath is not null)
            .Select(hierarchy => hierarchy.EnginesGroup(engineName).Path)
            .Where(Directory.Exists),
    ];
}
