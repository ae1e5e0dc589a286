using Containers.Cgroups.Devices;
using Containers.Interop;
using Containers.Specification;

namespace Containers.Cgroups;

/// <summary>
/// The control groups of one container, one in each hierarchy that is needed, and all that is done with them. Where this user has no
/// hierarchy at all and no limit was asked for, there are none: nothing is counted then and nothing can be paused.
/// </summary>
internal sealed class ContainerCgroup : IDisposable
{
    private static readonly TimeSpan FreezePatience = TimeSpan.FromSeconds(5);

    private const int MoveAttempts = 64;

    private readonly CgroupHost _host;
    private readonly string _id;
    private readonly ControllerGroups _groups = new();
    private readonly List<ControlGroup> _made = [];
    private ControlGroup? _unified;

    internal ContainerCgroup(CgroupHost host, string id)
    {
        _host = host;
        _id = id;
    }

    /// <summary>
    /// The files in which a process that is to run in the container writes <c>0</c>, itself and while it has one thread: the kernel
    /// then moves it without the lock that stops all forks of the host (kernel/cgroup/cgroup.c, cgroup_procs_write_start).
    /// </summary>
    public IReadOnlyList<string> JoinFiles { get; private set; } = [];

    /// <summary>The group in the v2 tree, for CLONE_INTO_CGROUP of clone3(2); owned by this object, until <see cref="CloseCloneInto"/>.</summary>
    public FileDescriptor? CloneInto { get; private set; }

    /// <summary>Whether there are groups at all.</summary>
    public bool Exists => _made.Count > 0;

    /// <summary>The directories of the groups.</summary>
    public IEnumerable<string> Paths => _made.Select(static group => group.Path);

    /// <summary>Whether any process is there or in groups the container made; false too where nothing can be known.</summary>
    public bool IsPopulated => Primary is { } group && GroupProcesses.IsPopulated(group);

    /// <summary>All processes are in every group: the one that answers cheapest.</summary>
    private ControlGroup? Primary =>
        _unified ?? _groups[CgroupController.Freezer] ?? (_made.Count > 0 ? _made[0] : null);

    /// <summary>Changes limits of a running container; what is null stays as it is.</summary>
    /// <exception cref="ContainerException">
    /// A limit cannot be enforced here, which changes nothing; or the kernel refuses one, and those before it are changed.
    /// </exception>
    public void Update(ResourceLimits limits)
    {
        _host.RequireEnforceable(limits);
        RequireNotRefused(limits);
        foreach (var groups in _host.Groups)
        {
            if (_host.IsNeeded(groups, limits) && !_made.Exists(made => IsIn(made, groups)))
            {
                MakeLate(groups, limits);
            }
        }

        PrepareCpuSet(limits);
        Apply(limits);
    }

    /// <summary>Pauses every process; returns when they stand still.</summary>
    /// <exception cref="ContainerException">There is no freezer here, or a process in uninterruptible I/O does not stop.</exception>
    public void Freeze()
    {
        var group = RequireFreezer();
        if (!(group.IsV2 ? V2.Freezer.TryFreeze(group, FreezePatience) : V1.Freezer.TryFreeze(group, FreezePatience)))
        {
            throw new ContainerException(
                "freeze the processes of", group.Path, Errno.EBUSY, "One of them is in uninterruptible I/O; try again when it is done.");
        }
    }

    /// <summary>Lets paused processes go on.</summary>
    public void Thaw()
    {
        var group = RequireFreezer();
        var errno = group.IsV2 ? V2.Freezer.TryThaw(group) : V1.Freezer.TryThaw(group);
        if (errno != Errno.None)
        {
            throw new ContainerException("thaw the processes of", group.Path, errno);
        }
    }

    /// <summary>Kills every process, frozen ones too.</summary>
    /// <param name="patience">How long to wait until they are gone; zero does not wait.</param>
    /// <returns>Whether no process is left; false also where there are no groups to tell.</returns>
    public bool KillAll(TimeSpan patience) => Primary is { } group &&
        GroupKill.Kill(group, ReferenceEquals(group, _groups[CgroupController.Freezer]), patience);

    /// <summary>Waits until no process is left, which is not the same as the main process having ended.</summary>
    public bool WaitUntilEmpty(TimeSpan patience) => Primary is { } group && GroupProcesses.WaitUntilEmpty(group, patience);

    public CgroupUsage ReadUsage(UsageDetail detail) => GroupUsage.Read(_groups, _unified, detail);

    /// <summary>Processes killed for want of memory so far; null where that is not counted.</summary>
    public long? ReadOomKills() => _groups[CgroupController.Memory] is { } memory
        ? memory.IsV2 ? V2.MemoryController.ReadOomKills(memory) : V1.MemoryController.ReadOomKills(memory)
        : null;

    /// <summary>
    /// Returns a descriptor, owned by the caller, that becomes readable when the container may have run out of memory;
    /// <see cref="ReadOomKills"/> tells. Null where memory is not counted.
    /// </summary>
    public FileDescriptor? OpenOomNotification() => _groups[CgroupController.Memory] is { } memory
        ? memory.IsV2 ? V2.MemoryController.OpenOomNotification(memory) : V1.MemoryController.OpenOomNotification(memory)
        : null;

    /// <summary>Lets go of <see cref="CloneInto"/>; later processes take a descriptor of <see cref="OpenCloneInto"/>.</summary>
    public void CloseCloneInto()
    {
        CloneInto?.Dispose();
        CloneInto = null;
    }

    /// <summary>Returns the group in the v2 tree as a descriptor owned by the caller; null where there is none.</summary>
    /// <exception cref="ContainerException">It cannot be opened.</exception>
    public FileDescriptor? OpenCloneInto()
    {
        if (_unified is not { } group)
        {
            return null;
        }

        var opened = group.Open(default, Libc.OpenPath | Libc.OpenDirectory);
        return opened.IsInvalid ? throw new ContainerException("open", group.Path, ErrnoNames.Last) : opened;
    }

    /// <summary>Removes the groups, and those that the container made below them.</summary>
    /// <exception cref="ContainerException">Processes are still there; the groups without any are removed.</exception>
    public void Remove()
    {
        CloseCloneInto();
        ContainerException? first = null;
        for (var at = _made.Count - 1; at >= 0; at--)
        {
            try
            {
                GroupRemoval.Remove(_made[at]);
                _made.RemoveAt(at);
            }
            catch (ContainerException e)
            {
                first ??= e;
            }
        }

        JoinFiles = [];
        if (first is not null)
        {
            throw first;
        }

        _unified = null;
        _groups.Clear();
    }

    /// <summary>Closes the descriptor; the groups stay until <see cref="Remove"/> or a sweep.</summary>
    public void Dispose() => CloneInto?.Dispose();

    internal void Make(ResourceLimits limits, DeviceRuleSet? devices)
    {
        var joinFiles = new List<string>(CgroupControllerNames.Count);
        foreach (var groups in _host.Groups)
        {
            if (_host.IsNeeded(groups, limits))
            {
                var group = MakeGroup(groups);
                if (!group.IsV2)
                {
                    joinFiles.Add(group.File("tasks"u8));
                }
            }
        }

        RequireNotRefused(limits);
        CloneInto = OpenCloneInto();

        PrepareCpuSet(limits);
        Apply(limits);
        if (devices is not null)
        {
            ApplyDevices(devices, joinFiles);
        }

        JoinHugeTlb(joinFiles);
        JoinFiles = joinFiles;
    }

    /// <summary>Undoes a half-made container's groups, which no process has joined.</summary>
    internal void Abandon()
    {
        try
        {
            Remove();
        }
        catch (ContainerException)
        {
            // The reason why it was abandoned is the one to report; a sweep takes what is left.
        }
    }

    private static bool IsIn(ControlGroup group, EngineGroups groups) =>
        group.Path.StartsWith(groups.Group.Path + "/", StringComparison.Ordinal);

    private void RequireNotRefused(ResourceLimits limits)
    {
        if (_host.Unified?.FirstRefusal(limits) is { } refusal)
        {
            throw refusal;
        }
    }

    private ControlGroup MakeGroup(EngineGroups groups)
    {
        _host.Prepare(groups);
        var group = groups.Group.Child(_id);
        var errno = group.TryMake();
        if (errno != Errno.None)
        {
            throw new ContainerException(
                "make the control group",
                group.Path,
                errno,
                errno == Errno.EEXIST
                    ? "Another container has this name, or an engine that died left it: sweep."
                    : CgroupRemedies.ForWrite(errno, group.IsV2));
        }

        _made.Add(group);
        for (var controller = (CgroupController)0; (int)controller < CgroupControllerNames.Count; controller++)
        {
            if (ReferenceEquals(_host.Locate(controller), groups) && !groups.IsRefused(controller))
            {
                _groups[controller] = group;
            }
        }

        if (group.IsV2)
        {
            _unified = group;
        }

        return group;
    }

    private void Apply(ResourceLimits limits)
    {
        GroupLimits.Write(_groups, limits);
        ApplyCpuSet(limits);
    }

    /// <summary>A v1 group of a hierarchy with cpuset takes no process before it has processors, asked for or not.</summary>
    private void PrepareCpuSet(ResourceLimits limits)
    {
        if (_groups[CgroupController.CpuSet] is { } group && (limits.CpuSet is not null || !group.IsV2))
        {
            var groups = _host.Locate(CgroupController.CpuSet)!;
            _host.PrepareCpuSet(groups);
            if (!group.IsV2)
            {
                V1.CpuSetController.Inherit(groups.Group, group);
            }
        }
    }

    private void ApplyCpuSet(ResourceLimits limits)
    {
        if (_groups[CgroupController.CpuSet] is { } group && limits.CpuSet is { } set)
        {
            var parent = _host.Locate(CgroupController.CpuSet)!.Group;
            if (group.IsV2)
            {
                V2.CpuSetController.Apply(parent, group, set);
            }
            else
            {
                V1.CpuSetController.Apply(parent, group, set);
            }
        }
    }

    private void ApplyDevices(DeviceRuleSet devices, List<string> joinFiles)
    {
        var groups = _host.Locate(CgroupController.Devices)!;
        if (groups.Hierarchy.IsV2)
        {
            V2.DevicesController.Apply(_unified!, CloneInto!, _host.DeviceProgramFor(devices));
        }
        else if (_groups[CgroupController.Devices] is { } own)
        {
            // In one hierarchy with a controller that each container has its own group for.
            V1.DevicesController.Apply(own, devices);
        }
        else
        {
            joinFiles.Add(_host.DeviceGroup(groups, devices).File("tasks"u8));
        }
    }

    /// <summary>Huge pages are denied to all containers together; on v1 their processes have to be below that limit.</summary>
    private void JoinHugeTlb(List<string> joinFiles)
    {
        if (_host.Locate(CgroupController.HugeTlb) is { Hierarchy.IsV2: false } groups &&
            _groups[CgroupController.HugeTlb] is null)
        {
            _host.Prepare(groups);
            joinFiles.Add(groups.Group.File("tasks"u8));
        }
    }

    /// <summary>v1: makes a group that a new limit needs, and moves the container's processes there.</summary>
    private void MakeLate(EngineGroups groups, ResourceLimits limits)
    {
        var source = Primary;
        var group = MakeGroup(groups);
        PrepareCpuSet(limits);

        // A process may fork while its like are moved; its child is where the parent was, and is moved the next time round.
        for (var attempt = 0; source is not null && attempt < MoveAttempts && GroupProcesses.CopyMembers(source, group); attempt++)
        {
        }

        JoinFiles = [.. JoinFiles, group.File("tasks"u8)];
    }

    private ControlGroup RequireFreezer()
    {
        if ((_unified ?? _groups[CgroupController.Freezer]) is { } group)
        {
            return group;
        }

        var (reason, remedy) = _host.WhyNot(CgroupController.Freezer);
        throw new ContainerException($"pause the container: {reason}", path: null, Errno.None, remedy);
    }
}
