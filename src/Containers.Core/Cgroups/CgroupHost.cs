using System.Buffers;
using System.Collections.Immutable;
using Containers.Cgroups.Devices;
using Containers.Interop;
using Containers.Specification;

namespace Containers.Cgroups;

/// <summary>
/// The control groups of one engine on this host, whichever way they are mounted: for each controller the hierarchy it is on, and the
/// engine's group there. The groups are made when the first container needs them and removed by <see cref="Dispose"/>.
/// </summary>
internal sealed class CgroupHost : IDisposable
{
    private const int LongestName = 128;

    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");

    private readonly Lock _lock = new();
    private readonly Dictionary<DeviceRuleSet, ControlGroup> _deviceGroups = [];
    private readonly Dictionary<DeviceRuleSet, FileDescriptor> _devicePrograms = [];
    private readonly EngineGroups?[] _byController = new EngineGroups?[CgroupControllerNames.Count];
    private readonly ImmutableArray<EngineGroups> _groups;
    private readonly ImmutableArray<CgroupHierarchy> _hierarchies;
    private readonly uint _user;
    private readonly bool _blockIOAccounts;
    private bool _disposed;

    private CgroupHost(CgroupLayout layout, string engineName, uint user)
    {
        Version = layout.Version;
        _user = user;
        _hierarchies = [.. layout.Mounts.Select(mount => CgroupHierarchy.Find(mount, user))];
        _groups =
        [
            .. _hierarchies
                .Where(static hierarchy => hierarchy.BasePath is not null)
                .Select(hierarchy => new EngineGroups(hierarchy, engineName)),
        ];
        Unified = _groups.FirstOrDefault(static group => group.Hierarchy.IsV2);
        for (var controller = (CgroupController)0; (int)controller < CgroupControllerNames.Count; controller++)
        {
            _byController[(int)controller] = _groups.FirstOrDefault(group => group.Has(controller));
        }

        _blockIOAccounts = _byController[(int)CgroupController.BlockIO] is { } blockIO &&
            (blockIO.Hierarchy.IsV2 || V1.BlockIOController.Accounts(new ControlGroup(blockIO.Hierarchy.Mount.MountPoint, isV2: false)));
    }

    public CgroupVersion Version { get; }

    /// <summary>
    /// Whether device rules can be set: by root of the host. Nobody else needs them, for the device files of others are refused to
    /// them, and a user namespace makes none.
    /// </summary>
    public bool CanRestrictDevices => _user == 0 && (_byController[(int)CgroupController.Devices] ?? Unified) is not null;

    /// <summary>The engine's group in the v2 tree, if there is one for this user.</summary>
    internal EngineGroups? Unified { get; }

    internal ImmutableArray<EngineGroups> Groups => _groups;

    /// <summary>Finds out what there is. Nothing is made or changed yet.</summary>
    /// <param name="engineName">The name of the engine's groups: letters, digits, <c>_</c>, <c>-</c> and <c>.</c>, not first.</param>
    public static CgroupHost Detect(string engineName) => From(CgroupLayout.OfThisProcess(), engineName);

    internal static CgroupHost From(CgroupLayout layout, string engineName) =>
        new(layout, RequireName(engineName), Libc.EffectiveUserId());

    /// <summary>
    /// Kills what is left in the groups of an engine that is dead, and removes them. The caller has made sure that it is.
    /// </summary>
    /// <param name="engineName">The name that engine gave to <see cref="Detect"/>.</param>
    public static void Sweep(string engineName)
    {
        using var host = Detect(engineName);
        foreach (var groups in host._groups)
        {
            GroupKill.Kill(groups.Group, groups.Hierarchy.Controllers.Contains(CgroupController.Freezer.NameV1()), GroupKill.Patience);
        }

        foreach (var groups in host._groups)
        {
            GroupRemoval.Remove(groups.Group);
        }
    }

    /// <summary>Where a controller is for this user; null: nowhere, and <see cref="WhyNot"/> says why.</summary>
    public CgroupHierarchy? Find(CgroupController controller) => Locate(controller)?.Hierarchy;

    /// <summary>The reason why a controller is not to be had, and what to do about it.</summary>
    public (string Reason, string Remedy) WhyNot(CgroupController controller)
    {
        if (_hierarchies.IsEmpty)
        {
            return ("no control group hierarchy is mounted", CgroupRemedies.Mount);
        }

        var hierarchy = _hierarchies.FirstOrDefault(found => !found.IsV2 && found.Controllers.Contains(controller.NameV1())) ??
            _hierarchies.FirstOrDefault(static found => found.IsV2);
        if (hierarchy is null || (hierarchy.IsV2 && hierarchy.BasePath is not null))
        {
            return hierarchy is null || _user == 0
                ? ($"no hierarchy has the {controller.NameV1()} controller",
                    $"Boot without cgroup_disable={controller.NameV1()}, and mount the controller if it is one of cgroup v1.")
                : ($"the {controller.NameV2()} controller is not delegated to {hierarchy.BasePath}",
                    CgroupRemedies.Delegation(_user, isV2: true, hierarchy.Mount.MountPoint));
        }

        return ($"user {_user} may not make groups in {hierarchy.Mount.OwnPath ?? hierarchy.Mount.MountPoint}",
            CgroupRemedies.Delegation(_user, hierarchy.IsV2, hierarchy.Mount.MountPoint));
    }

    /// <summary>
    /// Makes a container's groups with its limits, on the controllers that are needed: those of its limits, and those that count what
    /// it uses where they are to be had.
    /// </summary>
    /// <param name="containerId">The name of its groups, of the characters of an engine's name.</param>
    /// <param name="limits">The limits.</param>
    /// <param name="devices">Devices it may use besides those every container may.</param>
    /// <exception cref="ContainerException">
    /// A limit cannot be enforced here, or the kernel refused a step; nothing of the container's groups is left then.
    /// </exception>
    public ContainerCgroup Create(string containerId, ResourceLimits limits, IReadOnlyList<DeviceRule> devices)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        RequireName(containerId);
        RequireEnforceable(limits);
        var cgroup = new ContainerCgroup(this, containerId);
        try
        {
            cgroup.Make(limits, CanRestrictDevices ? new DeviceRuleSet(devices) : null);
            return cgroup;
        }
        catch
        {
            cgroup.Abandon();
            throw;
        }
    }

    /// <summary>The v1 files by which a container with these limits would join its own groups. Nothing is made.</summary>
    public IEnumerable<string> PlanJoinFiles(string containerId, ResourceLimits limits) => _groups
        .Where(groups => !groups.Hierarchy.IsV2 && IsNeeded(groups, limits))
        .Select(groups => groups.Group.Child(containerId).File("tasks"u8));

    /// <summary>Removes the engine's groups. Its containers' must be gone.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            foreach (var program in _devicePrograms.Values)
            {
                program.Dispose();
            }

            ContainerException? first = null;
            foreach (var group in _groups)
            {
                try
                {
                    group.Remove();
                }
                catch (ContainerException e)
                {
                    first ??= e;
                }
            }

            if (first is not null)
            {
                throw first;
            }
        }
    }

    internal EngineGroups? Locate(CgroupController controller) => _byController[(int)controller] ??
        (controller is CgroupController.CpuAccounting or CgroupController.Freezer or CgroupController.Devices ? Unified : null);

    /// <summary>Whether a hierarchy's group is made for every container, or only when a limit asks for it.</summary>
    private bool IsAlwaysNeeded(CgroupController controller) => controller switch
    {
        CgroupController.Memory or CgroupController.Cpu or CgroupController.Pids => true,

        // The v2 tree of a hybrid host counts CPU time, freezes and kills better than v1 does.
        CgroupController.CpuAccounting or CgroupController.Freezer => Unified is null,
        CgroupController.BlockIO => _blockIOAccounts,
        _ => false,
    };

    /// <summary>Whether a container with these limits has a group of its own there.</summary>
    internal bool IsNeeded(EngineGroups groups, ResourceLimits limits)
    {
        if (groups.Hierarchy.IsV2)
        {
            return true;
        }

        for (var controller = (CgroupController)0; (int)controller < CgroupControllerNames.Count; controller++)
        {
            if (ReferenceEquals(Locate(controller), groups) &&
                (IsAlwaysNeeded(controller) || IsAsked(controller, limits)))
            {
                return true;
            }
        }

        return false;
    }

    internal void Prepare(EngineGroups group)
    {
        lock (_lock)
        {
            group.Prepare();
        }
    }

    /// <summary>v2 has cpuset on only once a container asks for it; v1 groups need what is above them filled in.</summary>
    internal void PrepareCpuSet(EngineGroups group)
    {
        lock (_lock)
        {
            group.Prepare();
            if (group.Hierarchy.IsV2)
            {
                group.Enable(CgroupController.CpuSet);
                return;
            }

            V1.CpuSetController.Inherit(new ControlGroup(group.Hierarchy.BasePath!, isV2: false), group.Group);
        }
    }

    internal ControlGroup DeviceGroup(EngineGroups group, DeviceRuleSet set)
    {
        lock (_lock)
        {
            if (!_deviceGroups.TryGetValue(set, out var jobs))
            {
                group.Prepare();
                jobs = V1.DevicesController.Make(group.Group, $"devices-{_deviceGroups.Count}", set);
                _deviceGroups.Add(set, jobs);
            }

            return jobs;
        }
    }

    internal FileDescriptor DeviceProgramFor(DeviceRuleSet set)
    {
        lock (_lock)
        {
            if (!_devicePrograms.TryGetValue(set, out var program))
            {
                program = DeviceProgram.Load(set);
                _devicePrograms.Add(set, program);
            }

            return program;
        }
    }

    /// <summary>Refuses, before anything is made, limits whose controllers are not here.</summary>
    internal void RequireEnforceable(ResourceLimits limits)
    {
        for (var controller = (CgroupController)0; (int)controller < CgroupControllerNames.Count; controller++)
        {
            if (IsAsked(controller, limits) && Locate(controller) is null)
            {
                var (reason, remedy) = WhyNot(controller);
                throw new ContainerException($"enforce the {controller.NameV1()} limits: {reason}", path: null, Errno.None, remedy);
            }
        }
    }

    /// <summary>Whether a limit needs the controller and the caller asked for that limit.</summary>
    internal static bool IsAsked(CgroupController controller, ResourceLimits limits) => controller switch
    {
        CgroupController.Memory => limits.Memory is not null || limits.Swap is not null || limits.MemoryReservation is not null,
        CgroupController.Cpu => limits.Cpus is not null || limits.CpuShares is not null,
        CgroupController.Pids => limits.MaxProcesses is not null && limits.MaxProcessesAsked,
        CgroupController.CpuSet => limits.CpuSet is not null,
        CgroupController.BlockIO => limits.BlockIO is not null,
        _ => false,
    };

    private static string RequireName(string name)
    {
        if (name.Length is 0 or > LongestName || name[0] is '.' or '-' ||
            name.AsSpan().ContainsAnyExcept(NameCharacters) ||
            name.Equals("tasks", StringComparison.Ordinal))
        {
            throw new ArgumentException($"'{name}' cannot name a control group.", nameof(name));
        }

        return name;
    }
}
