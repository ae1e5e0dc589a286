using System.Globalization;
using Containers.Cgroups;
using Containers.Interop;
using Containers.Launch;
using Containers.UserNetworks;

namespace Containers.Diagnostics;

/// <summary>Finds out what this host grants, by trying it: through the engine's own guardian, as containers would.</summary>
internal sealed class HostProbe(ContainerEngine engine)
{
    private static readonly (string Name, ulong Flag)[] Namespaces =
    [
        ("mount", Linux.CloneNewMount), ("UTS", Linux.CloneNewUts), ("IPC", Linux.CloneNewIpc), ("network", Linux.CloneNewNetwork),
        ("PID", Linux.CloneNewPid), ("cgroup", Linux.CloneNewCgroup), ("time", Linux.CloneNewTime), ("user", Linux.CloneNewUser),
    ];

    private static readonly (string Name, CgroupController Controller)[] Limits =
    [
        ("memory limit", CgroupController.Memory), ("CPU limit", CgroupController.Cpu), ("processor choice", CgroupController.CpuSet),
        ("process limit", CgroupController.Pids), ("block I/O limit", CgroupController.BlockIO), ("CPU time", CgroupController.CpuAccounting),
        ("pause", CgroupController.Freezer),
    ];

    private readonly List<HostFeature> _features = [];
    private Guardian? _guardian;

    public async Task<HostReport> RunAsync(CancellationToken cancellationToken)
    {
        AddHost();
        _features.Add(Surroundings.Describe(engine.Facts));
        var canRun = false;
        try
        {
            _guardian = engine.EnsureGuardian(GuardianKind.Own);
            _features.Add(new HostFeature("guardian", true, "runs from sealed memory, below it every container"));
        }
        catch (ContainerException e)
        {
            _features.Add(Missing("guardian", e));
            AddLandlock();
            await TryToRunAsync("without namespaces", static job => job.WithoutNamespaces(), cancellationToken).ConfigureAwait(false);
            return new HostReport(_features, canRun);
        }

        foreach (var (name, flag) in Namespaces)
        {
            await TryAsync($"{name} namespace", "a process was cloned into a new one", flag, static _ => { }, cancellationToken).ConfigureAwait(false);
        }

        foreach (var type in (string[])["tmpfs", "overlay", "mqueue"])
        {
            await TryAsync($"{type} file system", "one was made in a new mount namespace", Linux.CloneNewMount | Linux.CloneNewIpc,
                program => MountCalls.Make(program, type, 0, type == "overlay" ? [("lowerdir", "/usr:/etc")] : []), cancellationToken).ConfigureAwait(false);
        }

        AddLandlock();
        AddUserIds();
        AddCgroups();
        if (engine.Facts.IsRootless)
        {
            await AddUserNetworksAsync(cancellationToken).ConfigureAwait(false);
        }

        canRun = await TryToRunAsync("container", static job => job, cancellationToken).ConfigureAwait(false);
        await TryToRunAsync("without namespaces", static job => job.WithoutNamespaces(), cancellationToken).ConfigureAwait(false);
        return new HostReport(_features, canRun);
    }

    private async Task<bool> TryToRunAsync(string name, Func<ContainerBuilder, ContainerBuilder> choose, CancellationToken cancellationToken)
    {
        try
        {
            var result = await engine.RunAsync(choose(ContainerBuilder.FromHost().WithCommand("true")), cancellationToken).ConfigureAwait(false);
            _features.Add(new HostFeature(name, result.IsSuccess, string.Create(CultureInfo.InvariantCulture, $"one ran: {result}, in {result.Usage.WallTime.TotalMilliseconds:F1} ms")));
            return result.IsSuccess;
        }
        catch (ContainerException e)
        {
            _features.Add(Missing(name, e));
            return false;
        }
    }

    private void AddHost()
    {
        var rootless = engine.Facts.IsRootless;
        _features.Add(new HostFeature("kernel", true, File.ReadAllText("/proc/sys/kernel/osrelease").Trim()));
        _features.Add(new HostFeature("root", !rootless, rootless ? "an ordinary user: containers are in a user namespace of the engine's" : "all namespaces are the host's root's",
            rootless ? "Nothing is needed for this; root has more controllers and can give containers several users." : null));
        var canRaise = (engine.Facts.Capabilities & (1UL << (int)Capability.SysResource)) != 0;
        _features.Add(new HostFeature("raising hard limits", canRaise, canRaise ? "CAP_SYS_RESOURCE is there" : "CAP_SYS_RESOURCE is not there",
            canRaise ? null : "WithUlimit can go no higher than ulimit -H shows, and WithOomScoreAdjustment no lower than this process's own."));
        _features.Add(engine.Facts.HasAppArmor
            ? new HostFeature("AppArmor", true, "active: WithAppArmor names a profile that is loaded")
            : new HostFeature("AppArmor", false, "not active", "Nothing is needed for containers; WithAppArmor is refused. Boot with lsm=…,apparmor to have it."));
        _features.Add(engine.Facts.HasSELinux
            ? new HostFeature("SELinux", true, "active: WithSELinux names a context of the policy")
            : new HostFeature("SELinux", false, "not active", "Nothing is needed for containers; WithSELinux is refused. Boot with lsm=…,selinux and a policy to have it."));
        const string SeccompActions = "/proc/sys/kernel/seccomp/actions_avail";
        _features.Add(File.Exists(SeccompActions)
            ? new HostFeature("seccomp", true, "the kernel has filters, and every container gets one")
            : new HostFeature("seccomp", false, "the kernel has no filters", "Use a kernel with CONFIG_SECCOMP_FILTER."));
    }

    private void AddLandlock()
    {
        var landlock = engine.Facts.LandlockVersion;
        _features.Add(landlock > 0
            ? new HostFeature("Landlock", true, string.Create(CultureInfo.InvariantCulture, $"version {landlock} of its interface"))
            : new HostFeature("Landlock", false, "the kernel has none, or it is not among its active security modules",
                "Untrusted containers run without this second wall; boot with lsm=landlock,… to have it."));
    }

    private void AddUserIds()
    {
        if (engine.Facts.IsRootless)
        {
            _features.Add(engine.HasManyIds
                ? new HostFeature("subordinate ids", true, "containers can have several users")
                : new HostFeature("subordinate ids", false, "containers have one user, 0, who is the one that runs the engine",
                    "Install the package uidmap and give this user ranges: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER."));
            return;
        }

        try
        {
            var lease = engine.UserNamespaces.Rent();
            using var root = Libc.Open("/", Libc.OpenPath | Libc.OpenDirectory | Libc.OpenCloseOnExec);
            var errno = !root.IsInvalid && FileStatus.TryGet(root, out var status) ? engine.Mapping.Try(root, status.FileSystem, lease.Descriptor!) : ErrnoNames.Last;
            lease.Release();
            _features.Add(errno == Errno.None
                ? new HostFeature("ids of a container's own", true, "files of / can be seen with them (idmapped mounts)")
                : new HostFeature("ids of a container's own", false, $"files of / cannot be seen with them: {errno.Describe()}",
                    "Put roots and mounts on a file system with idmapped mounts: ext4, xfs, btrfs; tmpfs since Linux 6.3."));
        }
        catch (ContainerException e)
        {
            _features.Add(Missing("ids of a container's own", e));
        }
    }

    /// <summary>What an ordinary user has in place of root's networks.</summary>
    private async Task AddUserNetworksAsync(CancellationToken cancellationToken)
    {
        await TryAsync("published ports", "by this process, with sockets that are opened inside: one was", Linux.CloneNewNetwork,
            static program => program.Call(SystemCall.Socket, "open a socket in", "the new network", SocketKind.Tcp.Family, SocketKind.Tcp.Type | Libc.SocketCloseOnExec, SocketKind.Tcp.Protocol), cancellationToken).ConfigureAwait(false);
        const string WayOut = "way out";
        if (PastaProgram.WhyNot() is { } missing)
        {
            _features.Add(new HostFeature(WayOut, false, $"the network bridge is not to be had, ports are: {missing.Reason}", missing.Remedy));
            return;
        }

        try
        {
            var path = PastaProgram.Find()!;
            _features.Add(new HostFeature(WayOut, true, $"the network bridge, through {path}: {PastaProgram.Version(path, cancellationToken)}"));
        }
        catch (ContainerException e)
        {
            _features.Add(Missing(WayOut, e));
        }
    }

    private void AddCgroups()
    {
        _features.Add(new HostFeature("cgroups", engine.Cgroups.Version != CgroupVersion.None, $"version: {engine.Cgroups.Version}"));
        foreach (var (name, controller) in Limits)
        {
            if (engine.Cgroups.Find(controller) is { } hierarchy)
            {
                _features.Add(new HostFeature(name, true, hierarchy.Mount.MountPoint));
            }
            else
            {
                var (reason, remedy) = engine.Cgroups.WhyNot(controller);
                _features.Add(new HostFeature(name, false, reason, remedy));
            }
        }

        _features.Add(new HostFeature("device rules", engine.Cgroups.CanRestrictDevices,
            engine.Cgroups.CanRestrictDevices ? "devices not on a container's list cannot be opened" : "not needed: an ordinary user makes no devices"));
    }

    private async Task TryAsync(string name, string success, ulong flags, Action<ProgramBuilder> write, CancellationToken cancellationToken)
    {
        var builder = new ProgramBuilder();
        write(builder);
        builder.Call(SystemCall.ExitGroup, "end the trial", null, 0);
        using var program = builder.Build();
        try
        {
            using var errand = Errand.Start(_guardian!, _guardian!.NextId(), program, flags);
            await errand.Ended.WaitAsync(cancellationToken).ConfigureAwait(false);
            _features.Add(new HostFeature(name, true, success));
        }
        catch (ContainerException e)
        {
            _features.Add(Missing(name, e));
        }
    }

    private static HostFeature Missing(string name, ContainerException why) => new(
        name, false, why.Remedy is { } remedy ? why.Message.Replace(". " + remedy, string.Empty, StringComparison.Ordinal) : why.Message, why.Remedy);
}
