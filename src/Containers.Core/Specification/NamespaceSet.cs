namespace Containers.Specification;

/// <summary>Where each kind of namespace of a container comes from.</summary>
internal sealed record NamespaceSet
{
    public static NamespaceSet Default { get; } = new();

    public NamespaceOption Mount { get; init; } = NamespaceOption.Private;

    public NamespaceOption Uts { get; init; } = NamespaceOption.Private;

    public NamespaceOption Ipc { get; init; } = NamespaceOption.Private;

    public NamespaceOption Network { get; init; } = NamespaceOption.Private;

    public NamespaceOption Pid { get; init; } = NamespaceOption.Private;

    /// <summary>That of another container; null: what <see cref="SecurityProfile.UserNamespace"/> says.</summary>
    public NamespaceOption? User { get; init; }

    public NamespaceOption Cgroup { get; init; } = NamespaceOption.Private;

    public NamespaceOption Time { get; init; } = NamespaceOption.Private;

    /// <summary>In the host's PID namespace, by itself or by the container it joins.</summary>
    public bool SharesHostProcesses => Pid.Mode == NamespaceMode.Host || Pid.Owner is { SharesHostProcesses: true };

    public NamespaceOption? Of(NamespaceKind kind) => kind switch
    {
        NamespaceKind.Mount => Mount,
        NamespaceKind.Uts => Uts,
        NamespaceKind.Ipc => Ipc,
        NamespaceKind.Network => Network,
        NamespaceKind.Pid => Pid,
        NamespaceKind.User => User,
        NamespaceKind.Cgroup => Cgroup,
        NamespaceKind.Time => Time,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a kind of namespace."),
    };

    public NamespaceSet With(NamespaceKind kind, NamespaceOption option) => kind switch
    {
        NamespaceKind.Mount => this with { Mount = option },
        NamespaceKind.Uts => this with { Uts = option },
        NamespaceKind.Ipc => this with { Ipc = option },
        NamespaceKind.Network => this with { Network = option },
        NamespaceKind.Pid => this with { Pid = option },
        NamespaceKind.User => this with { User = option },
        NamespaceKind.Cgroup => this with { Cgroup = option },
        NamespaceKind.Time => this with { Time = option },
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a kind of namespace."),
    };
}

/// <summary>One namespace: a new one, the host's, or that of a running container.</summary>
internal readonly record struct NamespaceOption(NamespaceMode Mode, Container? Owner = null)
{
    public static NamespaceOption Private { get; } = new(NamespaceMode.Private);

    public static NamespaceOption Host { get; } = new(NamespaceMode.Host);
}
