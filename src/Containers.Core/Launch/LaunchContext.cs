using System.Collections.Immutable;
using Containers.Interop;
using Containers.Specification;
using Containers.UserNamespaces;
using Containers.Users;

namespace Containers.Launch;

/// <summary>A container as it will be launched: the spec with every name resolved and every descriptor opened.</summary>
internal sealed class LaunchContext
{
    public required ContainerSpec Spec { get; init; }

    /// <summary>The guardian's number for this launch.</summary>
    public required uint LaunchId { get; init; }

    /// <summary>No capability outside the guardian's user namespace: devices are bound instead of made, paths are opened by the program.</summary>
    public required bool Rootless { get; init; }

    /// <summary>More than the one id of an ordinary user can be had: users and groups can be changed.</summary>
    public required bool HasManyIds { get; init; }

    public required RootPlan Root { get; init; }

    public required ImmutableArray<string> Arguments { get; init; }

    public required ImmutableArray<string> Environment { get; init; }

    /// <summary>Every path execve is tried with, in order.</summary>
    public required ImmutableArray<string> Executables { get; init; }

    public required string WorkingDirectory { get; init; }

    public required string Hostname { get; init; }

    /// <summary>The content of /etc/resolv.conf.</summary>
    public required string Resolvers { get; init; }

    public required ResolvedUser User { get; init; }

    /// <summary>Its user namespace and ids; null where it is in the engine's.</summary>
    public required ContainerIds? Ids { get; init; }

    /// <summary>The user namespace to enter where that is not the engine's; files of the host are seen in it as they are.</summary>
    public required FileDescriptor? KeptIds { get; init; }

    public required ImmutableArray<string> CgroupJoinFiles { get; init; }

    /// <summary>Its group in the v2 tree; null where there is none.</summary>
    public required FileDescriptor? CgroupDirectory { get; init; }

    /// <summary>Every controller is on cgroup v2, and the container can see its own limits there.</summary>
    public required bool CgroupUnified { get; init; }

    /// <summary>An empty directory of the engine; a program mounts its writable layer over it, in its own mount namespace only.</summary>
    public required string ScratchDirectory { get; init; }

    public required ImmutableArray<PreparedMount> Mounts { get; init; }

    /// <summary>rlimits as (resource number, soft, hard), already clamped to what this process may set.</summary>
    public required ImmutableArray<ResourceLimitValue> ResourceLimits { get; init; }

    /// <summary>What the container's root may, as a mask.</summary>
    public required ulong Capabilities { get; init; }

    /// <summary>What the process may itself that everything here begins from: all, where that is in a user namespace.</summary>
    public required ulong HostCapabilities { get; init; }

    /// <summary>When memory is short, the kernel is to kill others before this process (proc_pid_oom_score_adj(5)).</summary>
    public required bool SparesHost { get; init; }

    /// <summary>Without it there is nothing to drop either: with no_new_privs nothing comes back through execve.</summary>
    public bool MayDropBoundingSet => (HostCapabilities & (1UL << (int)Capability.SetProcessCapabilities)) != 0;

    /// <summary>Highest capability the running kernel knows (/proc/sys/kernel/cap_last_cap).</summary>
    public required int LastCapability { get; init; }

    /// <summary>Version of the kernel's Landlock; 0 where it has none.</summary>
    public required int LandlockVersion { get; init; }

    /// <summary>The job's filter lets it use the kernel's keyrings.</summary>
    public bool MayUseKeys => Spec.Security.Seccomp is not { } filter || filter.MayCall("keyctl") || filter.MayCall("add_key") || filter.MayCall("request_key");

    /// <summary>The program hands namespaces, the disk and the terminal over, and the host waits for the execve.</summary>
    public required bool Interactive { get; init; }

    /// <summary>What the process waits at, after it gave its network namespace away; null where nobody has anything to do with that.</summary>
    public required FileDescriptor? Gate { get; init; }

    /// <summary>The host keeps hold of the writable layer: to see how full it is, or what was written.</summary>
    public bool HandsLayerOver => Spec.Namespaces.Mount.Mode != NamespaceMode.Container && (Spec.Disk is not null || (Interactive && Spec.Root.KeepsWritableLayer));

    /// <summary>The directory of its own that a container without namespaces has; null for all others.</summary>
    public required string? PrivateDirectory { get; init; }

    /// <summary>The namespaces of other containers to join, by kind.</summary>
    public required ImmutableArray<KeyValuePair<NamespaceKind, FileDescriptor>> Joined { get; init; }

    /// <summary>Descriptors that travel with the request, in the order of <see cref="DescriptorOf"/>.</summary>
    public List<FileDescriptor> Passed { get; } = [];

    /// <summary>The number this descriptor will have in the child.</summary>
    public int DescriptorOf(FileDescriptor descriptor)
    {
        var known = Passed.IndexOf(descriptor);
        if (known >= 0)
        {
            return LauncherFormat.FirstPassedDescriptor + known + 1;
        }

        Passed.Add(descriptor);
        // The program itself is the first one passed.
        return LauncherFormat.FirstPassedDescriptor + Passed.Count;
    }

    /// <summary>Closes the mounts that were opened for the launch, once they are on their way.</summary>
    public void CloseSources()
    {
        foreach (var mount in Mounts)
        {
            mount.Tree?.Dispose();
        }
    }

    public int? DescriptorOfOptional(FileDescriptor? descriptor) => descriptor is null ? null : DescriptorOf(descriptor);
}

/// <summary>struct rlimit64 for one resource of prlimit(2).</summary>
internal readonly record struct ResourceLimitValue(int Resource, string Name, ulong Soft, ulong Hard);

/// <summary>A mount with its source already opened by the host, or to be opened by the program where the host may not clone it.</summary>
internal sealed record PreparedMount(Mount Mount, FileDescriptor? Tree, bool IsDirectory);

/// <summary>How the root is put together.</summary>
internal abstract record RootPlan;

/// <summary>Read-only directories under a fresh writable layer.</summary>
/// <param name="Source">A directory of the host.</param>
/// <param name="Layers">The names of directories in it, top first; none: the source itself is the one there is.</param>
internal sealed record OverlayRootPlan(string Source, ImmutableArray<string> Layers) : RootPlan;

/// <summary>A tmpfs with parts of the host bound read-only, links and small generated files.</summary>
internal sealed record HostRootPlan(
    ImmutableArray<HostBind> Binds,
    ImmutableArray<KeyValuePair<string, string>> Links,
    ImmutableArray<KeyValuePair<string, string>> Files) : RootPlan;

/// <summary>One path of the host, seen read-only at the same path of the container.</summary>
internal sealed record HostBind(string Path, bool IsDirectory);
