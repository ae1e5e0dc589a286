using System.Text;
using Containers.Cgroups.Devices;
using Containers.Interop;

namespace Containers.Cgroups.V1;

/// <summary>
/// The <c>devices</c> controller of cgroup v1 (cgroup-v1/devices.rst). It keeps nothing for a single container, so containers with the
/// same rules share a group: the rules are on its parent, which no process of a container can widen from below.
/// </summary>
internal static class DevicesController
{
    /// <summary>The group processes are in, below the one with the rules.</summary>
    private const string Jobs = "jobs";

    private static ReadOnlySpan<byte> Deny => "devices.deny"u8;

    private static ReadOnlySpan<byte> Allow => "devices.allow"u8;

    private static ReadOnlySpan<byte> Everything => "a"u8;

    /// <summary>Makes the group for a rule set; returns the one to join.</summary>
    public static ControlGroup Make(ControlGroup enginesGroup, string name, DeviceRuleSet set)
    {
        var rules = enginesGroup.Child(name);
        var jobs = rules.Child(Jobs);
        RequireMade(rules);
        try
        {
            Apply(rules, set);
            RequireMade(jobs);
            return jobs;
        }
        catch
        {
            rules.TryRemove();
            throw;
        }
    }

    public static void Apply(ControlGroup group, DeviceRuleSet set)
    {
        group.Write(Deny, Everything);
        foreach (var rule in set.Rules)
        {
            group.Write(Allow, Encoding.ASCII.GetBytes(rule.ToString()));
        }
    }

    private static void RequireMade(ControlGroup group)
    {
        var errno = group.TryMake();
        if (errno != Errno.None)
        {
            throw new ContainerException("make the control group", group.Path, errno, CgroupRemedies.ForWrite(errno, isV2: false));
        }
    }
}
