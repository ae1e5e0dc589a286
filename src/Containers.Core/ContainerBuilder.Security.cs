using Containers.Specification.Rules;

namespace Containers;

// What the container may do beyond its namespaces.
public sealed partial class ContainerBuilder
{
    /// <summary>
    /// Sets the whole security profile: <see cref="SecurityProfile.Default"/> unless set, <see cref="SecurityProfile.Untrusted"/>
    /// for what strangers wrote. The other methods here change single properties of the one set before.
    /// </summary>
    /// <param name="profile">The profile.</param>
    /// <exception cref="ArgumentException">
    /// An ambient capability of the profile is not among its capabilities, or its filter hands calls to a handler that is not there.
    /// </exception>
    public ContainerBuilder WithSecurity(SecurityProfile profile)
    {
        ArgumentNullException.ThrowIfNull(profile);
        if (profile.Seccomp is { NeedsHandler: true } && profile.SystemCallHandler is null)
        {
            throw new ArgumentException("The filter hands system calls to a handler: give one with WithSeccomp(profile, handler).", nameof(profile));
        }

        LabelRule.Require(profile, nameof(profile));
        var missing = profile.AmbientCapabilities.Except(profile.Capabilities);
        return missing.IsEmpty
            ? With(Spec with { Security = profile })
            : throw new ArgumentException($"{missing[0]} is ambient but not among the profile's capabilities: add it there too.", nameof(profile));
    }

    /// <summary>
    /// Gives the container's root a capability beyond the profile's. A command of another user gets none of root's capabilities, by
    /// the kernel's rules: set <see cref="SecurityProfile.AmbientCapabilities"/> for that.
    /// </summary>
    /// <param name="capability">The capability.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="capability"/> is none of the enumeration.</exception>
    public ContainerBuilder WithCapability(Capability capability) => WithSecurity(Spec.Security with
    {
        Capabilities = Spec.Security.Capabilities.Add(Choice.Require(capability, nameof(capability))),
    });

    /// <summary>Takes a capability from everyone in the container, for good.</summary>
    /// <param name="capability">The capability.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="capability"/> is none of the enumeration.</exception>
    public ContainerBuilder WithoutCapability(Capability capability) => WithSecurity(Spec.Security with
    {
        Capabilities = Spec.Security.Capabilities.Remove(Choice.Require(capability, nameof(capability))),
        AmbientCapabilities = Spec.Security.AmbientCapabilities.Remove(capability),
    });

    /// <summary>Takes every capability from everyone in the container, for good; some can be given back with <see cref="WithCapability"/>.</summary>
    public ContainerBuilder WithoutCapabilities() => WithSecurity(Spec.Security with { Capabilities = [], AmbientCapabilities = [] });

    /// <summary>Sets the filter of system calls.</summary>
    /// <param name="profile">The filter, such as one read with <see cref="SeccompProfile.FromFile"/>.</param>
    /// <exception cref="ArgumentException">The filter hands calls to a handler: give one too.</exception>
    public ContainerBuilder WithSeccomp(SeccompProfile profile)
    {
        ArgumentNullException.ThrowIfNull(profile);
        return WithSecurity(Spec.Security with { Seccomp = profile });
    }

    /// <summary>Sets a filter that hands system calls to this process, to be answered by a method (seccomp_unotify(2)).</summary>
    /// <param name="profile">The filter: <c>SeccompProfile.Default.Notify("uname")</c>.</param>
    /// <param name="handler">
    /// Answers a call, on threads of the pool, several at a time; the caller waits. A call for which it throws fails with EPERM. What arguments
    /// point to can be changed by the job until the call is made, so a handler that lets calls go on is no wall: the filter is.
    /// </param>
    public ContainerBuilder WithSeccomp(SeccompProfile profile, SystemCallHandler handler)
    {
        ArgumentNullException.ThrowIfNull(profile);
        ArgumentNullException.ThrowIfNull(handler);
        return WithSecurity(Spec.Security with { Seccomp = profile, SystemCallHandler = handler });
    }

    /// <summary>Lets the container make every system call that its capabilities and namespaces allow.</summary>
    public ContainerBuilder WithoutSeccomp() => WithSecurity(Spec.Security with { Seccomp = null, SystemCallHandler = null });

    /// <summary>Has AppArmor confine the command, and every command that joins the container, by a profile.</summary>
    /// <param name="profile">Its name, as <c>aa-status</c> lists it; loaded by the administrator (<c>apparmor_parser</c>).</param>
    /// <exception cref="ArgumentException"><paramref name="profile"/> is no such name.</exception>
    public ContainerBuilder WithAppArmor(string profile) =>
        WithSecurity(Spec.Security with { AppArmorProfile = LabelRule.Profile(profile, nameof(profile)) });

    /// <summary>Runs the command, and every command that joins the container, in an SELinux context.</summary>
    /// <param name="label">The context of its processes: <c>system_u:system_r:container_t:s0:c1,c2</c>.</param>
    /// <param name="mountLabel">That of the files that are the container's own: <c>system_u:object_r:container_file_t:s0:c1,c2</c>.</param>
    /// <exception cref="ArgumentException">One of them is no context.</exception>
    public ContainerBuilder WithSELinux(string label, string? mountLabel = null) => WithSecurity(Spec.Security with
    {
        SELinuxLabel = LabelRule.Context(label, nameof(label)),
        SELinuxMountLabel = mountLabel is null ? null : LabelRule.Context(mountLabel, nameof(mountLabel)),
    });

    /// <summary>Chooses which ids of the host the container's are.</summary>
    /// <param name="userNamespace">The choice.</param>
    public ContainerBuilder WithUserNamespace(UserNamespace userNamespace)
    {
        ArgumentNullException.ThrowIfNull(userNamespace);
        return With(Spec with { Security = Spec.Security with { UserNamespace = userNamespace }, Namespaces = Spec.Namespaces with { User = null } });
    }

    /// <summary>
    /// Asks for a weaker kind of container, for places where no namespaces can be had, such as inside another container: a process of
    /// the user who runs this one, among the host's others, confined by Landlock, the filter of system calls and limits alone.
    /// </summary>
    /// <remarks>
    /// It reads what <see cref="FromHost"/> names and writes to a directory of its own (<c>HOME</c>, <c>TMPDIR</c>, the working directory),
    /// which is gone with it; it has no capability, no sockets, and can signal nobody outside. It sees that other processes exist, and whether a path does that it knows; its
    /// memory, processes and disk are limited only where there are control groups, or by <see cref="WithUlimit(Ulimit)"/>. A file or
    /// a process of the same user is one forgotten rule away, where a namespace would have had no name for it: never use this where a
    /// container is to be had. It is never chosen unless asked for. Needs Landlock (Linux 5.13), and before its version 6 (Linux 6.12) the
    /// job cannot signal its own processes either.
    /// </remarks>
    public ContainerBuilder WithoutNamespaces() => With(Spec with { WithoutNamespaces = true });
}
