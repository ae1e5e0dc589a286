using System.Globalization;

namespace Containers.Launch;

/// <summary>Capabilities by number (linux/capability.h) and as the masks that the kernel takes.</summary>
internal static class Capabilities
{
    private static readonly string[] Names =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK",
        "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN",
        "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE",
        "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
        "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
    ];

    public static string Name(int capability) =>
        capability < Names.Length ? Names[capability] : string.Create(CultureInfo.InvariantCulture, $"capability {capability}");

    /// <summary>The number of a name as capabilities(7) writes it; null where there is none.</summary>
    public static int? NumberOf(string name) => Array.IndexOf(Names, name) is >= 0 and var number ? number : null;

    public static ulong Mask(IEnumerable<Capability> capabilities)
    {
        ulong mask = 0;
        foreach (var capability in capabilities)
        {
            mask |= 1UL << (int)capability;
        }

        return mask;
    }
}
