using System.Globalization;
using Containers.Interop;

namespace Containers.Cgroups;

/// <summary>What a person does about a limit that this host does not let this user set.</summary>
internal static class CgroupRemedies
{
    public const string Mount =
        "Mount control groups: mount -t cgroup2 cgroup2 /sys/fs/cgroup; a service manager such as systemd does it at boot.";

    /// <summary>How an ordinary user gets a subtree of a v2 tree, or a v1 hierarchy's.</summary>
    public static string Delegation(uint user, bool isV2, string mountPoint)
    {
        if (user == 0)
        {
            return "The control group file system is read-only or this user namespace does not own it: run where it is mounted " +
                "read-write, or with a delegated subtree of it.";
        }

        return isV2
            ? "Have a subtree delegated: systemd-run --user --scope -p Delegate=yes <your program>; for controllers the user's " +
                "service manager has not itself, an administrator runs systemctl edit user@.service and adds [Service] " +
                "Delegate=cpu cpuset io memory pids."
            : string.Create(
                CultureInfo.InvariantCulture,
                $"On cgroup v1 an administrator gives each user a subtree: mkdir -p {mountPoint}/containers-net/uid-{user} && " +
                $"chown -R {user} {mountPoint}/containers-net/uid-{user}.");
    }

    /// <summary>What the kernel means by refusing a value.</summary>
    public static string? ForWrite(Errno errno, bool isV2) => errno switch
    {
        Errno.EBUSY => "The group uses more than this already, or has processes where none may be; lower its use first.",
        Errno.EINVAL or Errno.ERANGE => "The kernel does not take this value here; compare it with the parent group's.",
        Errno.ENODEV or Errno.ENXIO => "There is no such block device, or it is a partition; name the whole disk.",
        Errno.ENOENT => "This kernel, or its boot parameters, leave the control out.",
        Errno.EACCES or Errno.EPERM or Errno.EROFS => Delegation(Libc.EffectiveUserId(), isV2, "/sys/fs/cgroup/<controller>"),
        _ => null,
    };
}
