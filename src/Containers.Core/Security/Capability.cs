namespace Containers;

/// <summary>The capabilities of Linux by their numbers (capabilities(7), linux/capability.h).</summary>
public enum Capability
{
    /// <summary>CAP_CHOWN: change owners of files.</summary>
    Chown = 0,

    /// <summary>CAP_DAC_OVERRIDE: read, write and execute whatever the mode of a file says.</summary>
    DacOverride = 1,

    /// <summary>CAP_DAC_READ_SEARCH: read files and search directories whatever their modes say; open_by_handle_at(2).</summary>
    DacReadSearch = 2,

    /// <summary>CAP_FOWNER: do with files of others what only the owner may.</summary>
    FileOwner = 3,

    /// <summary>CAP_FSETID: keep set-id bits of files that are changed.</summary>
    FileSetId = 4,

    /// <summary>CAP_KILL: signal processes of other users.</summary>
    Kill = 5,

    /// <summary>CAP_SETGID: change group ids.</summary>
    SetGroupId = 6,

    /// <summary>CAP_SETUID: change user ids.</summary>
    SetUserId = 7,

    /// <summary>CAP_SETPCAP: drop from the bounding set, add to the inheritable one.</summary>
    SetProcessCapabilities = 8,

    /// <summary>CAP_LINUX_IMMUTABLE: set the immutable and append-only attributes of files.</summary>
    LinuxImmutable = 9,

    /// <summary>CAP_NET_BIND_SERVICE: bind ports below 1024.</summary>
    NetBindService = 10,

    /// <summary>CAP_NET_BROADCAST: not used by the kernel.</summary>
    NetBroadcast = 11,

    /// <summary>CAP_NET_ADMIN: configure interfaces, addresses, routes and the firewall of the network namespace.</summary>
    NetAdmin = 12,

    /// <summary>CAP_NET_RAW: raw and packet sockets.</summary>
    NetRaw = 13,

    /// <summary>CAP_IPC_LOCK: lock memory.</summary>
    IpcLock = 14,

    /// <summary>CAP_IPC_OWNER: use System V IPC objects of others.</summary>
    IpcOwner = 15,

    /// <summary>CAP_SYS_MODULE: load kernel modules.</summary>
    SysModule = 16,

    /// <summary>CAP_SYS_RAWIO: I/O ports, /dev/mem.</summary>
    SysRawIO = 17,

    /// <summary>CAP_SYS_CHROOT: chroot(2), and joining mount namespaces.</summary>
    SysChroot = 18,

    /// <summary>CAP_SYS_PTRACE: trace processes of others.</summary>
    SysPtrace = 19,

    /// <summary>CAP_SYS_PACCT: process accounting.</summary>
    SysProcessAccounting = 20,

    /// <summary>CAP_SYS_ADMIN: mounts, namespaces, and most else: close to being root.</summary>
    SysAdmin = 21,

    /// <summary>CAP_SYS_BOOT: reboot(2), kexec.</summary>
    SysBoot = 22,

    /// <summary>CAP_SYS_NICE: raise priorities, set scheduling policies and affinities of others.</summary>
    SysNice = 23,

    /// <summary>CAP_SYS_RESOURCE: exceed limits and quotas.</summary>
    SysResource = 24,

    /// <summary>CAP_SYS_TIME: set the clock.</summary>
    SysTime = 25,

    /// <summary>CAP_SYS_TTY_CONFIG: configure terminals, vhangup(2).</summary>
    SysTtyConfig = 26,

    /// <summary>CAP_MKNOD: make device nodes.</summary>
    MakeNode = 27,

    /// <summary>CAP_LEASE: leases on files of others.</summary>
    Lease = 28,

    /// <summary>CAP_AUDIT_WRITE: write to the kernel's audit log.</summary>
    AuditWrite = 29,

    /// <summary>CAP_AUDIT_CONTROL: configure auditing.</summary>
    AuditControl = 30,

    /// <summary>CAP_SETFCAP: give files capabilities.</summary>
    SetFileCapabilities = 31,

    /// <summary>CAP_MAC_OVERRIDE: override a mandatory access control (Smack).</summary>
    MacOverride = 32,

    /// <summary>CAP_MAC_ADMIN: configure a mandatory access control.</summary>
    MacAdmin = 33,

    /// <summary>CAP_SYSLOG: read the kernel's log and its addresses.</summary>
    Syslog = 34,

    /// <summary>CAP_WAKE_ALARM: timers that wake the system.</summary>
    WakeAlarm = 35,

    /// <summary>CAP_BLOCK_SUSPEND: keep the system from suspending.</summary>
    BlockSuspend = 36,

    /// <summary>CAP_AUDIT_READ: read the audit log.</summary>
    AuditRead = 37,

    /// <summary>CAP_PERFMON: performance monitoring.</summary>
    PerfMonitor = 38,

    /// <summary>CAP_BPF: load BPF programs.</summary>
    Bpf = 39,

    /// <summary>CAP_CHECKPOINT_RESTORE: what saving and restoring processes needs.</summary>
    CheckpointRestore = 40,
}
