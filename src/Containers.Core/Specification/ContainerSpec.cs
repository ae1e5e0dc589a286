using System.Collections.Immutable;
using Containers.Features;
using Containers.Launch;
using Containers.RootFilesystems;

namespace Containers.Specification;

/// <summary>Everything asked of one container, as data. Built by <see cref="ContainerBuilder"/>, compiled by the launch plan.</summary>
internal sealed record ContainerSpec
{
    public required RootFilesystemSource Root { get; init; }

    public string? Name { get; init; }

    public string? Hostname { get; init; }

    public string? DomainName { get; init; }

    /// <summary>Null: the root's.</summary>
    public ImmutableArray<string>? Entrypoint { get; init; }

    public ImmutableArray<string> Command { get; init; } = [];

    /// <summary>What is executed: the entrypoint's words, then the command's.</summary>
    public ImmutableArray<string> Arguments => Entrypoint is { } entrypoint ? entrypoint.AddRange(Command) : Command;

    /// <summary>In the order given, so that what a job sees is the same on every run.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Environment { get; init; } = [];

    public string? WorkingDirectory { get; init; }

    /// <summary>A working directory that the root lacks is made, as with Docker's images.</summary>
    public bool MakesWorkingDirectory { get; init; }

    /// <summary>Null: root, or whose ids are kept.</summary>
    public UserSpec? User { get; init; }

    public ResourceLimits Limits { get; init; } = new();

    public TimeSpan? Timeout { get; init; }

    public TimeSpan? CpuTimeLimit { get; init; }

    public OutputLimit OutputLimit { get; init; } = OutputLimit.Default;

    public DiskLimit? Disk { get; init; }

    public bool ReadOnlyRoot { get; init; }

    public bool IsRootReadOnly => ReadOnlyRoot || Security.ReadOnlyRoot;

    public ImmutableArray<Mount> Mounts { get; init; } = [];

    /// <summary>Directories of the root that can be written where the root cannot, and are no part of what is committed.</summary>
    public ImmutableArray<string> Volumes { get; init; } = [];

    public ImmutableArray<InjectedFile> Files { get; init; } = [];

    public InputSource? StandardInput { get; init; }

    public ImmutableArray<KeyValuePair<string, string>> Sysctls { get; init; } = [];

    public ImmutableArray<Ulimit> Ulimits { get; init; } = [];

    public ImmutableArray<DeviceNode> Devices { get; init; } = [];

    public int? OomScoreAdjustment { get; init; }

    public bool Init { get; init; }

    public SecurityProfile Security { get; init; } = SecurityProfile.Default;

    public bool HasInit => Init || Security.Init || WithoutNamespaces;

    /// <summary>Confined where the engine is, by Landlock, a filter and limits alone.</summary>
    public bool WithoutNamespaces { get; init; }

    /// <summary>Asks for the ids of the ordinary user who runs the engine.</summary>
    public bool KeepsIds => Security.UserNamespace.Choice == UserNamespaceChoice.KeepId && Namespaces.User is null && !WithoutNamespaces;

    public NamespaceSet Namespaces { get; init; } = NamespaceSet.Default;

    /// <summary>Who launches it.</summary>
    public GuardianKind Guardian =>
        WithoutNamespaces ? GuardianKind.Plain : Namespaces.SharesHostProcesses ? GuardianKind.SharesProcesses : GuardianKind.Own;

    public ImmutableArray<KeyValuePair<string, string>> Labels { get; init; } = [];

    /// <summary>Null: the root's, if it has one.</summary>
    public HealthCheck? HealthCheck { get; init; }

    /// <summary>What further packages take part with, in the order in which they were asked for.</summary>
    public ImmutableArray<IContainerFeature> Features { get; init; } = [];

    /// <summary>The content of /etc/hosts; null: loopback and the host name.</summary>
    public string? HostsFile { get; init; }

    /// <summary>The content of /etc/resolv.conf; null: the host's with the host's network, else nothing.</summary>
    public string? ResolverFile { get; init; }

    /// <summary>Capabilities that nobody in its network may have: with them one could pass by what keeps it from the host.</summary>
    public ImmutableArray<Capability> NetworkForbids { get; init; } = [];

    /// <summary>Null: the root's, or SIGTERM.</summary>
    public Signal? StopSignal { get; init; }

    public TerminalSize? Terminal { get; init; }

    /// <summary>The move-mount fallback where the host's root is an initramfs, which cannot be pivoted from.</summary>
    public bool AllowMoveRoot { get; init; }
}
