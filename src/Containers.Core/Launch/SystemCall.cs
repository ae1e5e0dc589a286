using System.Runtime.InteropServices;

namespace Containers.Launch;

/// <summary>A system call by name, with its number on each machine (asm/unistd_64.h, asm-generic/unistd.h).</summary>
internal readonly record struct SystemCall(string Name, ushort X64, ushort Arm64)
{
    public static readonly SystemCall Write = new("write", 1, 64);
    public static readonly SystemCall WriteAt = new("pwrite64", 18, 68);
    public static readonly SystemCall Read = new("read", 0, 63);
    public static readonly SystemCall Close = new("close", 3, 57);
    public static readonly SystemCall SetSignalMask = new("rt_sigprocmask", 14, 135);
    public static readonly SystemCall Ioctl = new("ioctl", 16, 29);
    public static readonly SystemCall Socket = new("socket", 41, 198);
    public static readonly SystemCall SendMessage = new("sendmsg", 46, 211);
    public static readonly SystemCall Execve = new("execve", 59, 221);
    public static readonly SystemCall ExitGroup = new("exit_group", 231, 94);
    public static readonly SystemCall GetCurrentDirectory = new("getcwd", 79, 17);
    public static readonly SystemCall ChangeDirectoryFd = new("fchdir", 81, 50);
    public static readonly SystemCall ChangeDirectory = new("chdir", 80, 49);
    public static readonly SystemCall Poll = new("ppoll", 271, 73);
    public static readonly SystemCall SetPersonality = new("personality", 135, 92);
    public static readonly SystemCall SetPriority = new("setpriority", 141, 140);
    public static readonly SystemCall SetScheduler = new("sched_setscheduler", 144, 119);
    public static readonly SystemCall SetInputOutputPriority = new("ioprio_set", 251, 30);
    public static readonly SystemCall WaitForChild = new("wait4", 61, 260);
    public static readonly SystemCall KeyControl = new("keyctl", 250, 219);
    public static readonly SystemCall Seccomp = new("seccomp", 317, 277);
    public static readonly SystemCall LandlockCreateRuleset = new("landlock_create_ruleset", 444, 444);
    public static readonly SystemCall LandlockAddRule = new("landlock_add_rule", 445, 445);
    public static readonly SystemCall LandlockRestrictSelf = new("landlock_restrict_self", 446, 446);
    public static readonly SystemCall SetUmask = new("umask", 95, 166);
    public static readonly SystemCall SetGroups = new("setgroups", 116, 159);
    public static readonly SystemCall SetUserIds = new("setresuid", 117, 147);
    public static readonly SystemCall SetGroupIds = new("setresgid", 119, 149);
    public static readonly SystemCall NewSession = new("setsid", 112, 157);
    public static readonly SystemCall SetCapabilities = new("capset", 126, 91);
    public static readonly SystemCall Mount = new("mount", 165, 40);
    public static readonly SystemCall PivotRoot = new("pivot_root", 155, 41);
    public static readonly SystemCall Prctl = new("prctl", 157, 167);
    public static readonly SystemCall ChangeRoot = new("chroot", 161, 51);
    public static readonly SystemCall Unmount = new("umount2", 166, 39);
    public static readonly SystemCall SetHostName = new("sethostname", 170, 161);
    public static readonly SystemCall SetDomainName = new("setdomainname", 171, 162);
    public static readonly SystemCall OpenAt = new("openat", 257, 56);
    public static readonly SystemCall MakeDirectoryAt = new("mkdirat", 258, 34);
    public static readonly SystemCall MakeNodeAt = new("mknodat", 259, 33);
    public static readonly SystemCall ChangeOwnerAt = new("fchownat", 260, 54);
    public static readonly SystemCall UnlinkAt = new("unlinkat", 263, 35);
    public static readonly SystemCall SymlinkAt = new("symlinkat", 266, 36);
    public static readonly SystemCall ChangeModeFd = new("fchmod", 91, 52);
    public static readonly SystemCall ChangeOwnerFd = new("fchown", 93, 55);
    public static readonly SystemCall GetXattr = new("getxattr", 191, 8);
    public static readonly SystemCall SetXattrFd = new("fsetxattr", 190, 7);
    public static readonly SystemCall MemfdCreate = new("memfd_create", 319, 279);
    public static readonly SystemCall AccessAt = new("faccessat", 269, 48);
    public static readonly SystemCall Unshare = new("unshare", 272, 97);
    public static readonly SystemCall EventFd = new("eventfd2", 290, 19);
    public static readonly SystemCall DuplicateTo = new("dup3", 292, 24);
    public static readonly SystemCall ResourceLimit = new("prlimit64", 302, 261);
    public static readonly SystemCall SetNamespace = new("setns", 308, 268);
    public static readonly SystemCall ExecveAt = new("execveat", 322, 281);
    public static readonly SystemCall OpenTree = new("open_tree", 428, 428);
    public static readonly SystemCall MoveMount = new("move_mount", 429, 429);
    public static readonly SystemCall FsOpen = new("fsopen", 430, 430);
    public static readonly SystemCall FsConfig = new("fsconfig", 431, 431);
    public static readonly SystemCall FsMount = new("fsmount", 432, 432);
    public static readonly SystemCall CloneProcess = new("clone", 56, 220);
    public static readonly SystemCall Clone3 = new("clone3", 435, 435);
    public static readonly SystemCall CloseRange = new("close_range", 436, 436);
    public static readonly SystemCall OpenAt2 = new("openat2", 437, 437);
    public static readonly SystemCall MountSetAttributes = new("mount_setattr", 442, 442);

    /// <summary>The number on the machine this runs on.</summary>
    public uint Number => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? Arm64 : X64;
}
