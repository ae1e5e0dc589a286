using System.Collections.Immutable;
using System.Text;

namespace Containers.Cgroups;

/// <summary>
/// What <c>/proc/self/mountinfo</c> (proc_pid_mountinfo(5)) and <c>/proc/self/cgroup</c> (cgroups(7)) say of control groups.
/// Lines that do not have the kernel's form are skipped: a mount point may hold any bytes.
/// </summary>
internal sealed record CgroupLayout(ImmutableArray<CgroupMount> Mounts)
{
    private const string FileSystemV1 = "cgroup";
    private const string FileSystemV2 = "cgroup2";
    private const string FieldsEnd = "-";

    // Fields of a mountinfo line, counted from 0; a variable number of optional ones follows up to a single hyphen.
    private const int RootField = 3;
    private const int MountPointField = 4;
    private const int MountOptionsField = 5;
    private const int FirstOptionalField = 6;

    /// <summary>
    /// <see cref="CgroupVersion.Hybrid"/> names the layout, not a use of it: there is a v2 tree beside v1 hierarchies, with or
    /// without controllers of its own.
    /// </summary>
    public CgroupVersion Version => (Mounts.Any(static mount => !mount.IsV2), Mounts.Any(static mount => mount.IsV2)) switch
    {
        (true, true) => CgroupVersion.Hybrid,
        (true, false) => CgroupVersion.V1,
        (false, true) => CgroupVersion.V2,
        _ => CgroupVersion.None,
    };

    public static CgroupLayout OfThisProcess() =>
        Parse(File.ReadAllText("/proc/self/mountinfo"), File.ReadAllText("/proc/self/cgroup"));

    public static CgroupLayout Parse(string mountInfo, string ownGroups)
    {
        var mounts = ImmutableArray.CreateBuilder<CgroupMount>();
        foreach (var line in mountInfo.Split('\n'))
        {
            var fields = line.Split(' ');
            var end = fields.Length > FirstOptionalField ? Array.IndexOf(fields, FieldsEnd, FirstOptionalField) : -1;
            if (end < 0 || end + 3 >= fields.Length || fields[end + 1] is not (FileSystemV1 or FileSystemV2))
            {
                continue;
            }

            var isV2 = fields[end + 1] is FileSystemV2;
            var mountPoint = Unescape(fields[MountPointField]);
            var superOptions = fields[end + 3].Split(',');
            var controllers = isV2 ? [] : ControllersOf(superOptions);
            if (mountPoint is not ['/', ..] || (!isV2 && controllers.IsEmpty) || mounts.Any(mount => Overlaps(mount, isV2, controllers)))
            {
                continue;
            }

            var readOnly = fields[MountOptionsField].Split(',').Contains("ro") || superOptions.Contains("ro");
            var own = OwnGroup(ownGroups, isV2, controllers);
            mounts.Add(new CgroupMount(
                mountPoint, isV2, readOnly, controllers, own is null ? null : Locate(mountPoint, Unescape(fields[RootField]), own)));
        }

        return new CgroupLayout(mounts.ToImmutable());
    }

    /// <summary>The same hierarchy may be mounted more than once; the first mount is the host's usual one.</summary>
    private static bool Overlaps(CgroupMount mount, bool isV2, ImmutableArray<string> controllers) =>
        mount.IsV2 == isV2 && (isV2 || mount.Controllers.Intersect(controllers).Any());

    private static ImmutableArray<string> ControllersOf(string[] superOptions)
    {
        var found = ImmutableArray.CreateBuilder<string>();
        for (var controller = (CgroupController)0; (int)controller < CgroupControllerNames.Count; controller++)
        {
            if (superOptions.Contains(controller.NameV1()))
            {
                found.Add(controller.NameV1());
            }
        }

        return found.ToImmutable();
    }

    /// <summary>Finds <c>id:controllers:path</c>; the unified tree's line is <c>0::path</c>. A path may hold colons.</summary>
    private static string? OwnGroup(string ownGroups, bool isV2, ImmutableArray<string> controllers)
    {
        foreach (var line in ownGroups.Split('\n'))
        {
            var fields = line.Split(':', 3);
            if (fields.Length == 3 && fields[2] is ['/', ..] &&
                (isV2 ? fields[0] is "0" && fields[1].Length == 0 : fields[1].Split(',').Intersect(controllers).Any()))
            {
                return fields[2];
            }
        }

        return null;
    }

    /// <summary>
    /// The own group's path counts from the hierarchy's root (or the cgroup namespace's), the mount shows what is below its own root.
    /// </summary>
    private static string? Locate(string mountPoint, string mountRoot, string own)
    {
        var below = mountRoot is "/" ? own
            : own == mountRoot ? "/"
            : own.StartsWith(mountRoot + "/", StringComparison.Ordinal) ? own[mountRoot.Length..]
            : null;

        // A group outside of the cgroup namespace is shown as /../other.
        return below is null || below.Split('/').Contains("..") ? null : below is "/" ? mountPoint : mountPoint + below;
    }

    /// <summary>Space, tab, newline and backslash are written as a backslash and three octal digits.</summary>
    private static string Unescape(string field)
    {
        if (!field.Contains('\\', StringComparison.Ordinal))
        {
            return field;
        }

        var text = new StringBuilder(field.Length);
        for (var at = 0; at < field.Length; at++)
        {
            if (field[at] is '\\' && at + 3 < field.Length && Octal(field.AsSpan(at + 1, 3)) is { } character)
            {
                text.Append(character);
                at += 3;
            }
            else
            {
                text.Append(field[at]);
            }
        }

        return text.ToString();
    }

    private static char? Octal(ReadOnlySpan<char> digits)
    {
        var value = 0;
        foreach (var digit in digits)
        {
            if (digit is < '0' or > '7')
            {
                return null;
            }

            value = (value * 8) + (digit - '0');
        }

        return value < 128 ? (char)value : null;
    }
}
