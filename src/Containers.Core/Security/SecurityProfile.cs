using System.Collections.Immutable;
using System.Text;
using Containers.Launch;

namespace Containers;

/// <summary>
/// What stands between a container and the host besides its namespaces and limits. Immutable: derive from one of the three with a
/// <c>with</c> expression, or with the builder's methods.
/// </summary>
public sealed record SecurityProfile
{
    private SecurityProfile(string name)
    {
        Name = name;
    }

    /// <summary>
    /// What every container gets: a user namespace of its own where the kernel can map its files, podman's eleven capabilities (three
    /// fewer than Docker's), no new privileges, a system call filter as strict as Docker's, covered and read-only paths of the kernel.
    /// </summary>
    public static SecurityProfile Default { get; } = new("default");

    /// <summary>
    /// For what strangers wrote: no capability at all, a stricter filter, a read-only root with a writable <c>/tmp</c>, an init
    /// above the job, no core dumps, Landlock where the kernel has it, and the user namespace is required.
    /// </summary>
    public static SecurityProfile Untrusted { get; } = new("untrusted")
    {
        Capabilities = [],
        Seccomp = SeccompProfile.Untrusted,
        UserNamespace = UserNamespace.Private,
        ReadOnlyRoot = true,
        Init = true,
        Landlock = true,
    };

    /// <summary>
    /// Dangerous: every capability, no filter, no user namespace, nothing covered: root of the host with other files. For tools that
    /// administer the host. Logged as a warning at every start.
    /// </summary>
    public static SecurityProfile Privileged { get; } = new("privileged")
    {
        Capabilities = [.. Enum.GetValues<Capability>()],
        Seccomp = null,
        UserNamespace = UserNamespace.Host,
        NoNewPrivileges = false,
        CoverKernelPaths = false,
    };

    /// <summary>The name of the profile that this one is, or began as.</summary>
    public string Name { get; }

    /// <summary>What the container's root may do, and nobody in it can exceed: the bounding, permitted and effective sets of capabilities(7).</summary>
    public ImmutableSortedSet<Capability> Capabilities { get; init; } =
    [
        Capability.Chown, Capability.DacOverride, Capability.FileOwner, Capability.FileSetId, Capability.Kill, Capability.SetGroupId, Capability.SetUserId,
        Capability.SetProcessCapabilities, Capability.NetBindService, Capability.SysChroot, Capability.SetFileCapabilities,
    ];

    /// <summary>
    /// Capabilities that a user other than root keeps, and hands on to what it executes: the ambient set. They must be among
    /// <see cref="Capabilities"/>.
    /// </summary>
    public ImmutableSortedSet<Capability> AmbientCapabilities { get; init; } = [];

    /// <summary>The filter of system calls; null for none.</summary>
    public SeccompProfile? Seccomp { get; init; } = SeccompProfile.Default;

    /// <summary>Answers the calls that <see cref="Seccomp"/> hands over; null where it hands none over.</summary>
    public SystemCallHandler? SystemCallHandler { get; init; }

    /// <summary>Which ids of the host the container's are.</summary>
    public UserNamespace UserNamespace { get; init; } = UserNamespace.Automatic;

    /// <summary>Whether executing a file can never give more rights than before (PR_SET_NO_NEW_PRIVS), as set-user-id programs do.</summary>
    public bool NoNewPrivileges { get; init; } = true;

    /// <summary>
    /// Whether paths of <c>/proc</c> and <c>/sys</c> that show or change the host are covered or read-only, and <c>/sys</c> as a whole is
    /// read-only.
    /// </summary>
    public bool CoverKernelPaths { get; init; } = true;

    /// <summary>Whether the root cannot be written; <c>/tmp</c> then is a tmpfs, unless something else is mounted there.</summary>
    public bool ReadOnlyRoot { get; init; }

    /// <summary>Whether an init of the engine's is PID 1 above the job, as <see cref="ContainerBuilder.WithInit"/>.</summary>
    public bool Init { get; init; }

    /// <summary>
    /// Whether Landlock forbids changing mounts and making devices once more, and, where no network or IPC namespace separates
    /// them, connecting to the host's abstract sockets and signalling its processes. Left out where the kernel does not have it.
    /// </summary>
    public bool Landlock { get; init; }

    /// <summary>
    /// The AppArmor profile that the command is confined by (apparmor.d(5)), which the administrator has loaded; null: none is asked for.
    /// </summary>
    public string? AppArmorProfile { get; init; }

    /// <summary>The SELinux context that the command runs in, <c>user:role:type:level</c>; null: none is asked for.</summary>
    public string? SELinuxLabel { get; init; }

    /// <summary>
    /// The SELinux context of the files that are the container's own: its writable layer, <c>/dev</c> and <c>/dev/shm</c>; null: what the
    /// policy gives to new file systems.
    /// </summary>
    public string? SELinuxMountLabel { get; init; }

    internal ulong CapabilityMask => Launch.Capabilities.Mask(Capabilities);

    internal ulong AmbientMask => Launch.Capabilities.Mask(AmbientCapabilities);

    /// <summary>The whole profile, a property a line.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append("profile: ").Append(Name).Append('\n');
        text.Append("capabilities: ").Append(Names(Capabilities)).Append('\n');
        text.Append("ambient capabilities: ").Append(Names(AmbientCapabilities)).Append('\n');
        text.Append("seccomp: ").Append(Seccomp is null ? "none" : Seccomp.Describe()).Append('\n');
        text.Append("user namespace: ").Append(UserNamespace).Append('\n');
        text.Append("no new privileges: ").Append(Say(NoNewPrivileges)).Append('\n');
        text.Append("kernel paths covered: ").Append(Say(CoverKernelPaths)).Append('\n');
        text.Append("read-only root: ").Append(Say(ReadOnlyRoot)).Append('\n');
        text.Append("init: ").Append(Say(Init)).Append('\n');
        text.Append("landlock: ").Append(Say(Landlock)).Append('\n');
        text.Append("AppArmor profile: ").Append(AppArmorProfile ?? "none asked for").Append('\n');
        text.Append("SELinux context: ").Append(SELinuxLabel ?? "none asked for").Append('\n');
        text.Append("SELinux context of files: ").Append(SELinuxMountLabel ?? "none asked for").Append('\n');
        return text.ToString();
    }

    private static string Say(bool value) => value ? "yes" : "no";

    private static string Names(ImmutableSortedSet<Capability> capabilities) =>
        capabilities.IsEmpty ? "none" : string.Join(' ', capabilities.Select(static capability => Launch.Capabilities.Name((int)capability)));
}
