using Containers.Interop;
using Containers.Launch;
using Containers.Specification;

namespace Containers.UserNamespaces;

/// <summary>The user namespace of one container, and which of the host's files it sees with ids of its own.</summary>
/// <param name="Lease">The namespace.</param>
/// <param name="Unmapped">Read-only paths of the host that cannot be mapped; what is on them belongs to nobody inside.</param>
internal sealed record ContainerIds(UserNamespaceLease Lease, IReadOnlySet<string> Unmapped)
{
    private static readonly HashSet<string> None = [];

    /// <summary>For explaining a container that is not started: a namespace that is not there.</summary>
    public static ContainerIds Pretend(FileDescriptor none) => new(new UserNamespaceLease(none, new IdRange(0x00080000, 65536), static _ => { }), None);

    /// <summary>Whether a container of root's engine is in a user namespace of its own, as far as its description says.</summary>
    public static bool AreWanted(ContainerSpec spec) => spec.Security.UserNamespace.Choice != UserNamespaceChoice.Host && !spec.Namespaces.SharesHostProcesses && !spec.WithoutNamespaces;

    /// <summary>Gets the namespace that a container asks for; null: that of the engine.</summary>
    /// <exception cref="ContainerException">What was asked for cannot be had here.</exception>
    public static ContainerIds? Choose(ContainerEngine engine, ContainerSpec spec, RootPlan root)
    {
        var choice = spec.Security.UserNamespace;
        if (spec.WithoutNamespaces)
        {
            return null;
        }

        if (engine.Facts.IsRootless)
        {
            return choice.Choice == UserNamespaceChoice.Range
                ? throw new ContainerException("make the user namespace", null, Errno.EPERM, $"UserNamespace.{choice} cannot be had here by an ordinary user: leave it out, or run the engine as root.")
                : null;
        }

        if (Owner(spec) is { } owner)
        {
            return owner.ShareIds();
        }

        return choice.Choice switch
        {
            UserNamespaceChoice.KeepId when spec.KeepsIds => throw new ContainerException("keep the ids of", "root", Errno.EINVAL,
                "Root's id is 0 inside as well: leave UserNamespace.KeepId out, or choose UserNamespace.Host to have root's own files."),
            // A procfs of the host's PID namespace cannot be mounted in any other user namespace.
            _ when spec.Namespaces.SharesHostProcesses => null,
            UserNamespaceChoice.Host => null,
            UserNamespaceChoice.Range => Require(engine, engine.UserNamespaces.Rent(new IdRange(choice.First, choice.Count)), spec, root),
            UserNamespaceChoice.Private => Require(engine, engine.UserNamespaces.Rent(), spec, root),
            _ => TryAutomatic(engine, spec, root),
        };
    }

    /// <summary>Whoever joins another container's namespace needs the rights over it that its user namespace gives.</summary>
    private static Container? Owner(ContainerSpec spec)
    {
        if (spec.Namespaces.User is { Owner: { } chosen })
        {
            return chosen;
        }

        if (spec.Security.UserNamespace.Choice == UserNamespaceChoice.Automatic)
        {
            foreach (var (kind, _) in HandoverSteps.Namespaces)
            {
                if (spec.Namespaces.Of(kind)?.Owner is { } joined)
                {
                    return joined;
                }
            }
        }

        return null;
    }

    private static ContainerIds Require(ContainerEngine engine, UserNamespaceLease lease, ContainerSpec spec, RootPlan root)
    {
        try
        {
            var refused = Unmappable(engine, lease, spec, root, out var path, out var errno);
            return refused is not null
                ? new ContainerIds(lease, refused)
                : throw new ContainerException("map the ids of the files at", path, errno,
                    "Their file system has no idmapped mounts in this kernel (mount_setattr(2)): put them on another, or run with UserNamespace.Host.");
        }
        catch
        {
            lease.Release();
            throw;
        }
    }

    private static ContainerIds? TryAutomatic(ContainerEngine engine, ContainerSpec spec, RootPlan root)
    {
        if (engine.NoUserNamespaces is not null)
        {
            return null;
        }

        UserNamespaceLease lease;
        try
        {
            lease = engine.UserNamespaces.Rent();
        }
        catch (ContainerException reason) when (IsForGood(reason))
        {
            engine.NoUserNamespaces = reason;
            return null;
        }

        if (Unmappable(engine, lease, spec, root, out var path, out _) is { } unmapped)
        {
            return new ContainerIds(lease, unmapped);
        }

        lease.Release();
        engine.ReportUnmappable(path!);
        return null;
    }

    /// <summary>This kernel, or what is around this process, allows none; a shortage that passes must not take the wall away.</summary>
    private static bool IsForGood(ContainerException reason)
    {
        const string Limit = "/proc/sys/user/max_user_namespaces";
        return (Errno?)reason.ErrorNumber is Errno.EPERM or Errno.EACCES or Errno.ENOSYS or Errno.EINVAL ||
            ((Errno?)reason.ErrorNumber == Errno.ENOSPC && File.Exists(Limit) && File.ReadAllText(Limit).Trim() == "0");
    }

    /// <summary>The paths that can stay unmapped; null where one must not, which is <paramref name="path"/>.</summary>
    private static HashSet<string>? Unmappable(ContainerEngine engine, UserNamespaceLease lease, ContainerSpec spec, RootPlan root, out string? path, out Errno errno)
    {
        path = null;
        errno = Errno.None;
        foreach (var source in spec.Mounts.Select(static mount => mount.Source).Append((root as OverlayRootPlan)?.Source))
        {
            if (source is not null && (errno = Try(engine, lease, source)) != Errno.None)
            {
                path = source;
                return null;
            }
        }

        HashSet<string>? unmapped = null;
        foreach (var bind in root is HostRootPlan host ? host.Binds : [])
        {
            if (Try(engine, lease, bind.Path) != Errno.None)
            {
                (unmapped ??= []).Add(bind.Path);
            }
        }

        return unmapped ?? None;
    }

    /// <summary>What does not exist is left to the step that uses it, which says so.</summary>
    private static Errno Try(ContainerEngine engine, UserNamespaceLease lease, string path)
    {
        using var opened = Libc.Open(path, Libc.OpenPath | Libc.OpenCloseOnExec);
        return opened.IsInvalid || !FileStatus.TryGet(opened, out var status) ? Errno.None : engine.Mapping.Try(opened, status.FileSystem, lease.Descriptor!);
    }
}
