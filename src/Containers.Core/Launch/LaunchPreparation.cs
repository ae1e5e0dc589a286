using System.Collections.Immutable;
using Containers.Cgroups;
using Containers.Interop;
using Containers.Specification;
using Containers.UserNamespaces;
using Containers.Users;

namespace Containers.Launch;

/// <summary>Turns a spec into a context: names become numbers, defaults are filled in, sources are opened.</summary>
internal static class LaunchPreparation
{
    private const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    public static LaunchContext Prepare(HostFacts facts, ContainerSpec spec, string id, LaunchPlace place, RootPlan root, ContainerIds? ids, bool interactive)
    {
        var hostname = spec.WithoutNamespaces ? System.Environment.MachineName : spec.Hostname ?? id[..12];
        var user = place.PrivateDirectory is { } home ? Self(home) : ResolveUser(spec);
        var environment = CompleteEnvironment(spec.Environment, hostname, user, spec.Terminal is not null, place.PrivateDirectory);
        var arguments = spec.Arguments;
        return new LaunchContext
        {
            Spec = spec,
            LaunchId = place.LaunchId,
            Rootless = facts.IsRootless,
            HasManyIds = place.HasManyIds,
            Root = root,
            Ids = ids,
            KeptIds = place.KeptIds,
            Arguments = arguments,
            Environment = environment,
            Executables = CommandPath.Candidates(arguments, environment),
            WorkingDirectory = spec.WorkingDirectory ?? place.PrivateDirectory ?? "/",
            Hostname = hostname,
            Resolvers = spec.ResolverFile ?? (spec.Namespaces.Network.Mode == NamespaceMode.Host && File.Exists("/etc/resolv.conf") ? File.ReadAllText("/etc/resolv.conf") : string.Empty),
            User = user,
            CgroupJoinFiles = place.CgroupJoinFiles,
            CgroupDirectory = place.CgroupDirectory,
            CgroupUnified = place.CgroupUnified,
            ScratchDirectory = place.ScratchDirectory,
            Mounts = spec.WithoutNamespaces ? [] : MountPreparation.Prepare(spec.Mounts, facts.IsRootless, ids),
            ResourceLimits = ApplyUlimits(facts.Limits, spec.Ulimits),
            Capabilities = spec.WithoutNamespaces ? 0 : GrantedCapabilities(facts, spec.Security, ids),
            HostCapabilities = !spec.WithoutNamespaces && facts.IsRootless ? ulong.MaxValue : facts.Capabilities,
            PrivateDirectory = place.PrivateDirectory,
            LastCapability = facts.LastCapability,
            LandlockVersion = facts.LandlockVersion,
            SparesHost = facts.IsSpared,
            Joined = JoinedNamespaces(spec.Namespaces),
            Interactive = interactive,
            Gate = place.Gate,
        };
    }

    /// <summary>A process beside the main one of a container that runs: its own command, user and streams, everything else the container's.</summary>
    /// <param name="container">The container's own context.</param>
    /// <param name="spec">What to run, as a copy of the container's spec.</param>
    /// <param name="launchId">The guardian's number for it.</param>
    /// <param name="cgroup">The container's groups.</param>
    /// <param name="cgroupDirectory">The v2 one among them, opened.</param>
    /// <param name="handed">What the container handed over.</param>
    public static LaunchContext PrepareExec(LaunchContext container, ContainerSpec spec, uint launchId, ContainerCgroup cgroup, FileDescriptor? cgroupDirectory, HandedOver handed)
    {
        var user = ResolveUser(spec);
        var environment = CompleteEnvironment(spec.Environment, container.Hostname, user, spec.Terminal is not null, null);
        return new LaunchContext
        {
            Spec = spec,
            LaunchId = launchId,
            Rootless = container.Rootless,
            HasManyIds = container.HasManyIds,
            Root = container.Root,
            Ids = container.Ids,
            KeptIds = container.KeptIds,
            Arguments = spec.Command,
            Environment = environment,
            Executables = CommandPath.Candidates(spec.Command, environment),
            WorkingDirectory = spec.WorkingDirectory ?? "/",
            Hostname = container.Hostname,
            Resolvers = container.Resolvers,
            User = user,
            CgroupJoinFiles = [.. cgroup.JoinFiles],
            CgroupDirectory = cgroupDirectory,
            CgroupUnified = container.CgroupUnified,
            ScratchDirectory = container.ScratchDirectory,
            Mounts = [],
            ResourceLimits = container.ResourceLimits,
            Capabilities = container.Capabilities,
            HostCapabilities = container.HostCapabilities,
            PrivateDirectory = container.PrivateDirectory,
            LastCapability = container.LastCapability,
            LandlockVersion = container.LandlockVersion,
            SparesHost = container.SparesHost,
            Joined =
            [
                .. HandoverSteps.Namespaces.Where(entry => !IsThere(container.Spec.Namespaces, entry.Kind))
                    .Select(entry => KeyValuePair.Create(entry.Kind, handed.Namespaces[entry.Kind])),
            ],
            Interactive = false,
            Gate = null,
        };
    }

    /// <summary>The container's own /etc/passwd and /etc/group are read only where a name or a home directory is to be found in them.</summary>
    private static ResolvedUser ResolveUser(ContainerSpec spec) => spec.User is null && !spec.KeepsIds
        ? new ResolvedUser(0, 0, [0], "/root", "root")
        : UserResolver.Resolve(spec.User ?? UserSpec.Of(Libc.EffectiveUserId(), Libc.EffectiveGroupId()), ReadAccounts(spec, "/etc/passwd"), ReadAccounts(spec, "/etc/group"));

    /// <summary>Without a user namespace, and with nothing to change its ids, a job is who runs the engine.</summary>
    private static ResolvedUser Self(string home) => new(Libc.EffectiveUserId(), Libc.EffectiveGroupId(), [], home, System.Environment.UserName);

    /// <summary>As the container will see it: a file that is put there replaces the root's, which may be another container's.</summary>
    private static byte[] ReadAccounts(ContainerSpec spec, string path) => spec.Namespaces.Mount.Owner is { } owner
        ? ReadAccounts(owner.Spec, path)
        : spec.Files.FirstOrDefault(file => file.Path == path) is { } file ? file.Content.ToArray() : spec.Root.ReadFile(path);

    private static ImmutableArray<string> CompleteEnvironment(
        ImmutableArray<KeyValuePair<string, string>> given, string hostname, ResolvedUser user, bool terminal, string? temporaryDirectory)
    {
        var variables = ImmutableArray.CreateBuilder<string>(given.Length + 4);
        foreach (var (name, value) in given)
        {
            variables.Add($"{name}={value}");
        }

        AddDefault("PATH", DefaultPath);
        AddDefault("HOME", user.HomeDirectory);
        AddDefault("HOSTNAME", hostname);
        if (terminal)
        {
            AddDefault("TERM", "xterm");
        }

        if (temporaryDirectory is not null)
        {
            AddDefault("TMPDIR", temporaryDirectory);
        }

        return variables.ToImmutable();

        void AddDefault(string name, string value)
        {
            foreach (var (present, _) in given)
            {
                if (present == name)
                {
                    return;
                }
            }

            variables.Add($"{name}={value}");
        }
    }

    private static ImmutableArray<ResourceLimitValue> ApplyUlimits(ImmutableArray<ResourceLimitValue> defaults, ImmutableArray<Ulimit> asked)
    {
        if (asked.IsEmpty)
        {
            return defaults;
        }

        var limits = defaults.ToBuilder();
        foreach (var ulimit in asked)
        {
            limits[ulimit.Resource] = new ResourceLimitValue(ulimit.Resource, ulimit.Name, ulimit.Soft, ulimit.Hard);
        }

        return limits.MoveToImmutable();
    }

    /// <summary>A user namespace gives every capability inside it; without one of its own a container gets no more than this process has.</summary>
    private static ulong GrantedCapabilities(HostFacts facts, SecurityProfile security, ContainerIds? ids)
    {
        var missing = ids is null && !facts.IsRootless ? security.CapabilityMask & ~facts.Capabilities : 0;
        return missing == 0 || security.Name == SecurityProfile.Privileged.Name
            ? security.CapabilityMask & ~missing
            : throw new ContainerException("give the container", Capabilities.Name(System.Numerics.BitOperations.TrailingZeroCount(missing)), Errno.EPERM,
                "This process does not have that capability itself: run it with it, leave it out, or use a user namespace of the container's own (WithUserNamespace).");
    }

    /// <summary>Refuses, before anything is made, what cannot be had together.</summary>
    /// <exception cref="ContainerException">The message says what, and what to choose instead.</exception>
    public static void RequirePossible(HostFacts facts, ContainerSpec spec)
    {
        if (spec.WithoutNamespaces)
        {
            RequireConfinable(facts, spec);
        }

        RequireNetwork(spec);
        if (spec.Namespaces.SharesHostProcesses && !facts.IsRootless && spec.Security.UserNamespace.Choice is UserNamespaceChoice.Private or UserNamespaceChoice.Range)
        {
            throw new ContainerException(
                "A container in the host's PID namespace cannot mount /proc in a user namespace of its own: give it the host's with WithUserNamespace(UserNamespace.Host), or leave out WithNamespace(NamespaceKind.Pid, NamespaceMode.Host).");
        }

        if (spec.Namespaces.Mount.Owner is { } owner &&
            ((spec.IsRootReadOnly && !owner.Spec.IsRootReadOnly) || (spec.Security.CoverKernelPaths && !owner.Spec.Security.CoverKernelPaths)))
        {
            throw new ContainerException(
                "The container whose mounts are joined is less protected than this one asks for: its root can be written, or its kernel paths are not covered. Give both the same SecurityProfile and WithReadOnlyRoot.");
        }
    }

    /// <summary>Whoever shares a network is as confined there as the one whose it is.</summary>
    private static void RequireNetwork(ContainerSpec spec)
    {
        for (var owner = spec.Namespaces.Network.Owner; owner is not null; owner = owner.Spec.Namespaces.Network.Owner)
        {
            foreach (var capability in owner.Spec.NetworkForbids)
            {
                if (spec.Security.Capabilities.Contains(capability))
                {
                    throw new ContainerException("share the network of", owner.Name ?? owner.Id[..12], Errno.EPERM,
                        $"With the capability {capability} the container could reach the host's own services by that network, which is an ordinary user's: leave the capability out, or run the engine as root.");
                }
            }
        }
    }

    /// <summary>Refuses labels of a security module that is not there.</summary>
    /// <exception cref="ContainerException">It is not active here.</exception>
    public static void RequireLabels(HostFacts facts, SecurityProfile security)
    {
        if (security.AppArmorProfile is { } profile && !facts.HasAppArmor)
        {
            throw new ContainerException("confine by the AppArmor profile", profile, Errno.EOPNOTSUPP,
                "AppArmor is not active here (/sys/module/apparmor/parameters/enabled): boot with lsm=…,apparmor, or leave WithAppArmor out.");
        }

        if ((security.SELinuxLabel ?? security.SELinuxMountLabel) is { } label && !facts.HasSELinux)
        {
            throw new ContainerException("run in the SELinux context", label, Errno.EOPNOTSUPP,
                "SELinux is not active here (/sys/fs/selinux): boot with lsm=…,selinux and load a policy, or leave WithSELinux out.");
        }
    }

    private static void RequireConfinable(HostFacts facts, ContainerSpec spec)
    {
        if (facts.LandlockVersion == 0)
        {
            throw new ContainerException("confine without namespaces", null, Errno.EOPNOTSUPP,
                "Landlock is what would keep the job from the host's files, and this kernel has none, or it is not among its active security modules (boot with lsm=landlock,…).");
        }

        var refused =
            spec.Root is not RootFilesystems.HostRootFilesystem ? "a root other than FromHost" :
            spec.Mounts.Any(static mount => mount.Kind != MountKind.Bind || mount.Source != mount.Target) ? "WithMount, but for binding a path to itself" :
            !spec.Files.IsEmpty ? nameof(ContainerBuilder.WithFile) :
            !spec.Devices.IsEmpty ? nameof(ContainerBuilder.WithDevice) :
            spec.Disk is not null ? nameof(ContainerBuilder.WithDisk) :
            spec.Terminal is not null ? nameof(ContainerBuilder.WithTerminal) :
            spec.Hostname is not null ? nameof(ContainerBuilder.WithHostname) :
            spec.DomainName is not null ? nameof(ContainerBuilder.WithDomainName) :
            !spec.Sysctls.IsEmpty ? nameof(ContainerBuilder.WithSysctl) :
            spec.Namespaces != NamespaceSet.Default ? nameof(ContainerBuilder.WithNamespace) :
            spec.User is not null ? $"{nameof(ContainerBuilder.WithUser)}: the job is who runs the engine" :
            spec.Security.Seccomp is null ? nameof(ContainerBuilder.WithoutSeccomp) :
            !spec.Security.NoNewPrivileges ? $"{nameof(SecurityProfile)}.{nameof(SecurityProfile.NoNewPrivileges)} = false" : null;
        if (refused is not null)
        {
            throw new ContainerException("confine without namespaces", null, Errno.None, $"What needs a namespace cannot be had: {refused}. Leave that out, or leave out {nameof(ContainerBuilder.WithoutNamespaces)}.");
        }
    }

    /// <summary>The host's PID namespace is where its guardian is; an ordinary user could not join it.</summary>
    private static bool IsThere(NamespaceSet namespaces, NamespaceKind kind) => kind == NamespaceKind.Pid && namespaces.SharesHostProcesses;

    private static ImmutableArray<KeyValuePair<NamespaceKind, FileDescriptor>> JoinedNamespaces(NamespaceSet namespaces)
    {
        var joined = ImmutableArray.CreateBuilder<KeyValuePair<NamespaceKind, FileDescriptor>>();
        foreach (var (kind, _) in HandoverSteps.Namespaces)
        {
            if (namespaces.Of(kind) is { Mode: NamespaceMode.Container, Owner: { } owner } && !IsThere(namespaces, kind))
            {
                joined.Add(new(kind, owner.NamespaceOf(kind)));
            }
        }

        return joined.ToImmutable();
    }
}

/// <summary>Where in an engine a container is launched.</summary>
/// <param name="LaunchId">The guardian's number for it.</param>
/// <param name="CgroupJoinFiles">The v1 files by which it joins its groups.</param>
/// <param name="CgroupUnified">It sees its own group in the v2 tree.</param>
/// <param name="CgroupDirectory">Its group in the v2 tree, opened, where there is one.</param>
/// <param name="HasManyIds">The engine has more than one id.</param>
/// <param name="ScratchDirectory">The engine's mount point for writable layers.</param>
/// <param name="PrivateDirectory">Where a container without namespaces may write; null for all others.</param>
/// <param name="KeptIds">The user namespace in which the user keeps its ids, for a container that asks for it.</param>
/// <param name="Gate">What the process waits at until its network is there; null: nowhere.</param>
internal sealed record LaunchPlace(uint LaunchId, ImmutableArray<string> CgroupJoinFiles, bool CgroupUnified, string ScratchDirectory, FileDescriptor? CgroupDirectory, bool HasManyIds, string? PrivateDirectory, FileDescriptor? KeptIds, FileDescriptor? Gate);
