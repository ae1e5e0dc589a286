namespace Containers.Tests.Running;

/// <summary>Podman with a store in a test's directory, which runs without systemd and without cgroup v2.</summary>
internal sealed class Podman(TemporaryDirectory directory)
{
    public string Run(string command, params string[] arguments) =>
        Tool.Run("podman", ["--root", directory["podman"], "--runroot", directory["podman-run"], "--storage-driver", "vfs", "--cgroup-manager=cgroupfs", command, .. arguments]);

    /// <summary>Runs a container to its end; what it prints. The host may not let limits be raised, which it does by itself.</summary>
    public string RunContainer(params string[] arguments)
    {
        Assert.SkipUnless(Tool.IsThere("runc"), "runc is not installed");
        return Tool.Run("podman", [
            "--root", directory["podman"], "--runroot", directory["podman-run"], "--storage-driver", "vfs", "--cgroup-manager=cgroupfs", "--runtime", "runc",
            "run", "--rm", "--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", .. arguments]);
    }
}
