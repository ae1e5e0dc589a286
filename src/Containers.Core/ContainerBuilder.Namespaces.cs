using Containers.Specification;
using Containers.Specification.Rules;

namespace Containers;

// Which namespaces the container has, and what is set in them.
public sealed partial class ContainerBuilder
{
    /// <summary>Sets the host name the container sees.</summary>
    /// <param name="hostname">At most 64 characters: letters, digits, hyphens and dots.</param>
    /// <exception cref="ArgumentException"><paramref name="hostname"/> is no such name, or the Uts namespace is not private.</exception>
    public ContainerBuilder WithHostname(string hostname) => With(
        NamespaceRule.Require(Spec with { Hostname = HostName.Require(hostname, nameof(hostname)) }, nameof(hostname)));

    /// <summary>Sets the NIS domain name the container sees (setdomainname(2)).</summary>
    /// <param name="domainName">At most 64 characters: letters, digits, hyphens and dots.</param>
    /// <exception cref="ArgumentException"><paramref name="domainName"/> is no such name, or the Uts namespace is not private.</exception>
    public ContainerBuilder WithDomainName(string domainName) => With(
        NamespaceRule.Require(Spec with { DomainName = HostName.Require(domainName, nameof(domainName)) }, nameof(domainName)));

    /// <summary>
    /// Sets a kernel setting that each namespace has of its own: <c>net.*</c>, <c>fs.mqueue.*</c> and <c>kernel.</c> with
    /// <c>shmmax</c>, <c>shmall</c>, <c>shmmni</c>, <c>shm_rmid_forced</c>, <c>msgmax</c>, <c>msgmnb</c>, <c>msgmni</c> and <c>sem</c>.
    /// </summary>
    /// <param name="name">The name: <c>net.ipv4.ip_forward</c>.</param>
    /// <param name="value">The value: numbers or words.</param>
    /// <exception cref="ArgumentException">
    /// The setting is the whole host's, name or value is malformed, or the namespace that keeps it is not private.
    /// </exception>
    public ContainerBuilder WithSysctl(string name, string value)
    {
        var sysctls = Spec.Sysctls.With(SysctlRule.RequireName(name, nameof(name)), SysctlRule.RequireValue(value, nameof(value)));
        return With(NamespaceRule.Require(Spec with { Sysctls = sysctls }, nameof(name)));
    }

    /// <summary>Chooses between a namespace of the container's own, which is the default of each kind, and the host's.</summary>
    /// <param name="kind">The kind of namespace.</param>
    /// <param name="mode">
    /// <see cref="NamespaceMode.Private"/> or <see cref="NamespaceMode.Host"/>, which removes that isolation. With the host's PID namespace the
    /// container has no user namespace of its own, and needs a control group by which its processes are known at its end.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A value is none of its enumeration.</exception>
    /// <exception cref="ArgumentException">
    /// <paramref name="mode"/> is <see cref="NamespaceMode.Container"/> with no container, or the host's with
    /// <see cref="NamespaceKind.Mount"/>, or with something set that lives in the namespace.
    /// </exception>
    public ContainerBuilder WithNamespace(NamespaceKind kind, NamespaceMode mode)
    {
        Choice.Require(kind, nameof(kind));
        if (Choice.Require(mode, nameof(mode)) == NamespaceMode.Container)
        {
            throw new ArgumentException("Give the container whose namespace is joined: WithNamespace(kind, container).", nameof(mode));
        }

        if (kind == NamespaceKind.Mount && mode == NamespaceMode.Host)
        {
            throw new ArgumentException(
                "A container has a root of its own and cannot share the host's mounts; bind what it needs with WithMount.", nameof(mode));
        }

        return kind == NamespaceKind.User
            ? WithUserNamespace(mode == NamespaceMode.Host ? UserNamespace.Host : UserNamespace.Private)
            : With(NamespaceRule.Require(Spec with { Namespaces = Spec.Namespaces.With(kind, new NamespaceOption(mode)) }, nameof(mode)));
    }

    /// <summary>
    /// Joins a namespace of another container that runs when this one starts. With <see cref="NamespaceKind.Mount"/> the container has the
    /// other's root and mounts in place of its own; what <c>/proc</c> shows there are the other's processes, so join
    /// <see cref="NamespaceKind.Pid"/> too where that matters.
    /// </summary>
    /// <param name="kind">The kind of namespace.</param>
    /// <param name="container">The container to share it with.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="kind"/> is none of the enumeration.</exception>
    /// <exception cref="ArgumentException">Something is set that lives in the namespace.</exception>
    public ContainerBuilder WithNamespace(NamespaceKind kind, Container container)
    {
        Choice.Require(kind, nameof(kind));
        ArgumentNullException.ThrowIfNull(container);
        var option = new NamespaceOption(NamespaceMode.Container, container);
        return With(NamespaceRule.Require(Spec with { Namespaces = Spec.Namespaces.With(kind, option) }, nameof(container)));
    }
}
