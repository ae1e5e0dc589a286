using System.Text.Json;
using Containers.Benchmarks.Contenders;
using Containers.Benchmarks.Processes;

namespace Containers.Benchmarks.Networks;

/// <summary>
/// podman with one bridge network, and all that it keeps below the benchmark's directory, or where only the peers see it. Its network program is
/// netavark where that is installed, else CNI's plug-ins.
/// </summary>
internal sealed class PodmanNetwork : IDisposable
{
    private const string Network = "benchmark";
    private readonly PeerThread _peers;
    private readonly string _root;
    private readonly string[] _podman;
    private readonly List<string> _running = [];

    public PodmanNetwork(PeerThread peers, string directory, string root)
    {
        (_peers, _root) = (peers, root);
        string[] helpers = [.. ((string[])["netavark", "aardvark-dns"]).Select(static name => Path.Combine("/usr/lib/podman", name)).Where(File.Exists)];
        string configuration = Path.Combine(directory, "containers.conf");
        File.WriteAllText(configuration, $"""
            [network]
            network_backend="{(helpers.Length > 0 ? "netavark" : "cni")}"
            [engine]
            events_logger="none"
            cgroup_manager="cgroupfs"
            runtime="crun"

            """);
        _podman =
        [
            "env", $"CONTAINERS_CONF={configuration}", "podman", "--root", $"{directory}/podman-root", "--runroot", $"{directory}/podman-run",
            "--tmpdir", $"{directory}/podman-tmp", "--network-config-dir", $"{directory}/podman-networks", "--storage-driver", "vfs",
        ];

        // Addresses given and names known are kept at one place for all podmans of a machine.
        const string state = "/run/containers";
        Directory.CreateDirectory(state);
        _peers.Require("mount", "-t", "tmpfs", "tmpfs", state);
        _peers.Require([.. _podman, "network", "create", Network]);
        Version = string.Join(", ", ((string[])["podman", .. helpers]).Select(program => _peers.Require(program, "--version").Trim().Split('\n')[^1]));
    }

    /// <summary>podman's, and its network programs'.</summary>
    public string Version { get; }

    /// <summary><c>/bin/true</c> with a network, from nothing to removed.</summary>
    public CommandContender Run(string name, string network = Network) => new(name, _peers, [.. _podman, .. RunCommand("--rm", network), "--rootfs", _root, "/bin/true"]);

    /// <summary>Starts what goes on running; its address.</summary>
    public string Start(string name, string[] options, params string[] command)
    {
        _running.Add(name);
        _peers.Require([.. _podman, .. RunCommand("--detach", Network), "--name", name, .. options, "--rootfs", _root, .. command]);
        return Inspect(name).GetProperty("NetworkSettings").GetProperty("Networks").GetProperty(Network).GetProperty("IPAddress").GetString()!;
    }

    /// <summary>The first process of what runs.</summary>
    public int ProcessId(string name) => Inspect(name).GetProperty("State").GetProperty("Pid").GetInt32();

    public string Exec(string name, params string[] command) => _peers.Require([.. _podman, "exec", name, .. command]);

    public void Dispose()
    {
        foreach (string name in _running)
        {
            _ = _peers.Capture([.. _podman, "rm", "--force", "--time", "0", name]);
        }

        _ = _peers.Capture([.. _podman, "network", "rm", "--force", Network]);
    }

    private JsonElement Inspect(string name)
    {
        string json = _peers.Require([.. _podman, "inspect", name]);
        using JsonDocument document = JsonDocument.Parse(json[json.IndexOf('[', StringComparison.Ordinal)..]);
        return document.RootElement[0].Clone();
    }

    // The limits of files and processes are those that this machine's root may set without CAP_SYS_RESOURCE.
    private static string[] RunCommand(string how, string network) =>
    [
        "run", how, "--network", network, "--memory", "100m", "--cpus", "1", "--pids-limit", "64",
        "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024",
    ];
}
