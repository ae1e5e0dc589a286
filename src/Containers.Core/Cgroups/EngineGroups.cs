using Containers.Interop;
using Containers.Specification;

namespace Containers.Cgroups;

/// <summary>
/// The group of one engine in one hierarchy, above its containers' groups: made at the first use, removed with the engine.
/// </summary>
internal sealed class EngineGroups(CgroupHierarchy hierarchy, string engineName)
{
    /// <summary>What a v2 group below may need. <c>hugetlb</c> is limited once, for all containers together.</summary>
    private static readonly CgroupController[] PerContainer =
        [CgroupController.Memory, CgroupController.Cpu, CgroupController.Pids, CgroupController.BlockIO];

    private const int MoveAttempts = 16;

    private readonly HashSet<string> _enabled = [];
    private readonly Dictionary<CgroupController, ContainerException> _refusals = [];
    private bool _made;

    public CgroupHierarchy Hierarchy { get; } = hierarchy;

    public ControlGroup Group { get; } = hierarchy.EnginesGroup(engineName);

    private ControlGroup Base => new(Hierarchy.BasePath!, Hierarchy.IsV2);

    private ControlGroup HostLeaf => Base.Child(CgroupHierarchy.HostLeaf);

    public bool Has(CgroupController controller) =>
        (Hierarchy.IsV2 ? controller.NameV2() : controller.NameV1()) is { } name && Hierarchy.Controllers.Contains(name);

    /// <summary>Makes the group, and on v2 turns on the controllers containers need. Not thread safe; the host has one lock.</summary>
    public void Prepare()
    {
        if (_made)
        {
            return;
        }

        var errno = Group.TryMake();
        if (errno is not (Errno.None or Errno.EEXIST))
        {
            throw new ContainerException(
                "make the control group",
                Group.Path,
                errno,
                CgroupRemedies.Delegation(Libc.EffectiveUserId(), Hierarchy.IsV2, Hierarchy.Mount.MountPoint));
        }

        _made = true;
        if (Hierarchy.IsV2)
        {
            foreach (var controller in PerContainer)
            {
                if (Has(controller))
                {
                    TryEnable(controller);
                }
            }
        }

        if (Has(CgroupController.HugeTlb))
        {
            DenyHugePages();
        }
    }

    /// <summary>v2: whether a controller is there but could not be turned on.</summary>
    public bool IsRefused(CgroupController controller) => _refusals.ContainsKey(controller);

    /// <summary>v2: the refusal of a controller that a limit was asked of.</summary>
    public ContainerException? FirstRefusal(ResourceLimits limits)
    {
        foreach (var (controller, refusal) in _refusals)
        {
            if (CgroupHost.IsAsked(controller, limits))
            {
                return refusal;
            }
        }

        return null;
    }

    /// <summary>v2: turns a controller on for containers' groups, on every level above them.</summary>
    public void Enable(CgroupController controller) => Enable(controller, Group);

    /// <summary>Removes the group, and what it needed, as far as no other engine uses it.</summary>
    public void Remove()
    {
        if (!_made)
        {
            return;
        }

        GroupRemoval.Remove(Group);
        _made = false;
        if (Hierarchy.IsV2 && Directory.Exists(HostLeaf.Path) && !Directory.EnumerateDirectories(Base.Path, CgroupHierarchy.EnginePrefix + "*").Any())
        {
            // No engine is left here, whichever of them moved the processes.
            MoveProcessesBack();
        }
    }

    /// <summary>
    /// A controller that cannot be turned on (cpu, where the host runs real-time processes in groups) fails only those who need it.
    /// </summary>
    private void TryEnable(CgroupController controller)
    {
        try
        {
            Enable(controller, Group);
        }
        catch (ContainerException e)
        {
            _refusals[controller] = e;
        }
    }

    private void DenyHugePages()
    {
        if (Hierarchy.IsV2)
        {
            Enable(CgroupController.HugeTlb, Base);
            V2.HugeTlbController.Deny(Group);
        }
        else
        {
            V1.HugeTlbController.Deny(Group);
        }
    }

    /// <summary>On every level from the base to the lowest, so that groups below that have it.</summary>
    private void Enable(CgroupController controller, ControlGroup lowest)
    {
        var name = controller.NameV2()!;
        if (!_enabled.Add(name))
        {
            return;
        }

        EnableIn(Base, name);
        if (ReferenceEquals(lowest, Group))
        {
            EnableIn(Group, name);
        }
    }

    private void EnableIn(ControlGroup group, string controller)
    {
        Span<byte> buffer = stackalloc byte[512];
        var name = System.Text.Encoding.ASCII.GetBytes(controller);
        if (KernelText.HasWord(group.Read("cgroup.subtree_control"u8, buffer), name))
        {
            return;
        }

        byte[] request = [(byte)'+', .. name];
        var errno = group.TryWrite("cgroup.subtree_control"u8, request);

        // Only a group without processes gives its controllers on (cgroup-v2.rst, "No Internal Process Constraint").
        for (var attempt = 0; errno == Errno.EBUSY && attempt < MoveAttempts; attempt++)
        {
            MoveProcesses(group, HostLeaf);
            errno = group.TryWrite("cgroup.subtree_control"u8, request);
        }

        group.Require(errno, "cgroup.subtree_control"u8, request);
    }

    private static void MoveProcesses(ControlGroup from, ControlGroup to)
    {
        var errno = to.TryMake();
        if (errno is not (Errno.None or Errno.EEXIST))
        {
            throw new ContainerException("make the control group", to.Path, errno, CgroupRemedies.ForWrite(errno, isV2: true));
        }

        GroupProcesses.Move(from, to);
    }

    private void MoveProcessesBack()
    {
        Span<byte> buffer = stackalloc byte[512];
        var enabled = System.Text.Encoding.ASCII.GetString(Base.Read("cgroup.subtree_control"u8, buffer));
        foreach (var name in enabled.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            Base.TryWrite("cgroup.subtree_control"u8, System.Text.Encoding.ASCII.GetBytes("-" + name));
        }

        GroupProcesses.Move(HostLeaf, Base);
        HostLeaf.TryRemove();
    }
}
