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
    /// <exception cref="ArgumentException">An ambient capability of the profile is not among its capabilities.</exception>
    public ContainerBuilder WithSecurity(SecurityProfile profile)
    {
        ArgumentNullException.ThrowIfNull(profile);
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
    public ContainerBuilder WithSeccomp(SeccompProfile profile)
    {
        ArgumentNullException.ThrowIfNull(profile);
        return WithSecurity(Spec.Security with { Seccomp = profile });
    }

    /// <summary>Lets the container make every system call that its capabilities and namespaces allow.</summary>
    public ContainerBuilder WithoutSeccomp() => WithSecurity(Spec.Security with { Seccomp = null });

    /// <summary>Chooses which ids of the host the container's are.</summary>
    /// <param name="userNamespace">The choice.</param>
    public ContainerBuilder WithUserNamespace(UserNamespace userNamespace)
    {
        ArgumentNullException.ThrowIfNull(userNamespace);
        return With(Spec with { Security = Spec.Security with { UserNamespace = userNamespace }, Namespaces = Spec.Namespaces with { User = null } });
    }
}
