using System.Text;
using Containers.Interop;

namespace Containers.Cgroups;

/// <summary>
/// One hierarchy as this user may use it: below which group engines put theirs, or why they cannot.
/// </summary>
internal sealed unsafe class CgroupHierarchy
{
    /// <summary>
    /// Engines' groups begin with it. There is none above them all: what sleeps and wakes often, as a server does, pays for every level of groups
    /// each time.
    /// </summary>
    public const string EnginePrefix = "containers-net-";

    /// <summary>The leaf for processes that were in a delegated v2 group: it may not have any beside its subgroups.</summary>
    public const string HostLeaf = "containers-net.host";

    /// <summary>What an administrator gives users of cgroup v1 a group of their own in.</summary>
    private const string Users = "containers-net";

    private const int BufferSize = 512;

    private CgroupHierarchy(CgroupMount mount, string? basePath, IReadOnlySet<string> controllers)
    {
        Mount = mount;
        BasePath = basePath;
        Controllers = controllers;
    }

    public CgroupMount Mount { get; }

    public bool IsV2 => Mount.IsV2;

    /// <summary>The group below which this user may make groups and put processes; null: nowhere.</summary>
    public string? BasePath { get; }

    /// <summary>The kernel's names of the controllers that groups below <see cref="BasePath"/> can have.</summary>
    public IReadOnlySet<string> Controllers { get; }

    public static CgroupHierarchy Find(CgroupMount mount, uint user)
    {
        var basePath = mount.IsReadOnly ? null : mount.IsV2 ? FindV2(mount, user) : FindV1(mount, user);
        var controllers = mount.IsV2 ? ControllersOf(basePath ?? mount.MountPoint) : mount.Controllers.ToHashSet();
        return new CgroupHierarchy(mount, basePath, controllers);
    }

    public ControlGroup EnginesGroup(string engineName) => new($"{BasePath}/{EnginePrefix}{engineName}", IsV2);

    private static string? FindV1(CgroupMount mount, uint user)
    {
        var given = $"{mount.MountPoint}/{Users}/uid-{user}";
        return user == 0 && CanWrite(mount.MountPoint) ? mount.MountPoint
            : mount.OwnPath is { } own && CanWrite(own) ? own
            : CanWrite(given) ? given
            : null;
    }

    private static string? FindV2(CgroupMount mount, uint user)
    {
        // A host process that moved itself to its leaf, or was started by one that did, still has the group above.
        var own = mount.OwnPath is { } path && path.EndsWith("/" + HostLeaf, StringComparison.Ordinal)
            ? path[..^(HostLeaf.Length + 1)]
            : mount.OwnPath;
        var ownIsWritable = own is not null && CanWrite(own) && CanMoveProcesses(own);
        if (user != 0)
        {
            return ownIsWritable ? own : null;
        }

        // The service manager owns what it has not delegated; beside its groups at the top is the place it leaves to others.
        return ownIsWritable && IsDelegated(own!) ? own
            : CanWrite(mount.MountPoint) ? mount.MountPoint
            : ownIsWritable ? own
            : null;
    }

    private static HashSet<string> ControllersOf(string path)
    {
        Span<byte> buffer = stackalloc byte[BufferSize];
        var text = new ControlGroup(path, isV2: true).Read("cgroup.controllers"u8, buffer);
        return Encoding.ASCII.GetString(text).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).ToHashSet();
    }

    private static bool CanWrite(string directory) =>
        Libc.AccessAt(Libc.AtFdCwd, directory, Libc.AccessWrite | Libc.AccessExecute, Libc.AtEffectiveIds) == 0;

    private static bool CanMoveProcesses(string group) =>
        Libc.AccessAt(Libc.AtFdCwd, group + "/cgroup.procs", Libc.AccessWrite, Libc.AtEffectiveIds) == 0;

    /// <summary>systemd marks what it delegates; its user-visible attribute is newer (version 251) than the trusted one.</summary>
    private static bool IsDelegated(string group) => HasAttribute(group, "user.delegate") || HasAttribute(group, "trusted.delegate");

    private static bool HasAttribute(string group, string name)
    {
        byte value;
        return Libc.GetExtendedAttribute(group, name, &value, 1) == 1 && value == (byte)'1';
    }
}
