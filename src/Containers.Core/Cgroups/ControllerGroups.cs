namespace Containers.Cgroups;

/// <summary>Which of a container's groups each controller is in; none where it is not used.</summary>
internal sealed class ControllerGroups
{
    private readonly ControlGroup?[] _groups = new ControlGroup?[CgroupControllerNames.Count];

    public ControlGroup? this[CgroupController controller]
    {
        get => _groups[(int)controller];
        set => _groups[(int)controller] = value;
    }

    public void Clear() => Array.Clear(_groups);
}
