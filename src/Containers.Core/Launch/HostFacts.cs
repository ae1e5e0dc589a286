using System.Collections.Immutable;
using System.Globalization;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>What does not change while this process runs, found out once.</summary>
internal sealed class HostFacts
{
    private const string AppArmorSwitch = "/sys/module/apparmor/parameters/enabled";

    private HostFacts(bool isRoot, ulong capabilities, int lastCapability, int landlockVersion, ImmutableArray<ResourceLimitValue> limits)
    {
        Capabilities = capabilities;
        LandlockVersion = landlockVersion;
        IsRootless = !isRoot;
        LastCapability = lastCapability;
        Limits = limits;
    }

    /// <summary>An ordinary user: everything happens inside a user namespace.</summary>
    public bool IsRootless { get; }

    /// <summary>The permitted set of this process.</summary>
    public ulong Capabilities { get; }

    public int LastCapability { get; }

    /// <summary>0 where the kernel has no Landlock, or it is not among the active security modules.</summary>
    public int LandlockVersion { get; }

    /// <summary>Whether AppArmor confines programs here.</summary>
    public bool HasAppArmor { get; } = File.Exists(AppArmorSwitch) && File.ReadAllText(AppArmorSwitch).StartsWith('Y');

    /// <summary>Whether SELinux is on, with its file system where it is on every distribution.</summary>
    public bool HasSELinux { get; } = File.Exists("/sys/fs/selinux/enforce");

    /// <summary>When memory is short, the kernel is to kill others before this process.</summary>
    public bool IsSpared { get; } = File.ReadAllText("/proc/self/oom_score_adj").StartsWith('-');

    /// <summary>The limits of every container that asks for no others, as far as this process may grant them.</summary>
    public ImmutableArray<ResourceLimitValue> Limits { get; }

    public static HostFacts Read()
    {
        const string LastCapabilityFile = "/proc/sys/kernel/cap_last_cap";
        var last = int.Parse(File.ReadAllText(LastCapabilityFile).Trim(), NumberStyles.None, CultureInfo.InvariantCulture);
        var permitted = File.ReadLines("/proc/self/status").First(static line => line.StartsWith("CapPrm:", StringComparison.Ordinal));
        var capabilities = ulong.Parse(permitted.AsSpan("CapPrm:".Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return new HostFacts(Libc.EffectiveUserId() == 0, capabilities, last, Math.Max(0, Libc.LandlockVersion()), DefaultLimits.Create());
    }
}
