using System.Globalization;
using Containers.Interop;

namespace Containers.Cgroups;

/// <summary>The number of a device file: <c>8:0</c>.</summary>
internal readonly record struct DeviceNumber(uint Major, uint Minor)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Major}:{Minor}");

    /// <summary>The disk behind a block device file: limits are set for whole disks, and a partition names the one it is on.</summary>
    public static DeviceNumber OfDisk(string path)
    {
        var number = OfFile(path, out var isBlock);
        if (!isBlock)
        {
            throw new ContainerException("limit block I/O of", path, Errno.None, "It is not a block device; see lsblk for their names.");
        }

        // /sys/dev/block/8:1 links to the directory of sda1, which is in that of its disk.
        var directory = new DirectoryInfo($"/sys/dev/block/{number}").ResolveLinkTarget(returnFinalTarget: true)?.FullName;
        return directory is not null && File.Exists($"{directory}/partition") &&
            TryParse(ReadLine($"{Path.GetDirectoryName(directory)}/dev"), out var disk) ? disk : number;
    }

    public static DeviceNumber OfFile(string path, out bool isBlock)
    {
        if (!FileStatus.TryGet(path, out var status))
        {
            throw new ContainerException("read the device number of", path, ErrnoNames.Last);
        }

        isBlock = status.Kind == FileKind.BlockDevice;
        return isBlock || status.Kind == FileKind.CharacterDevice
            ? new DeviceNumber(status.DeviceMajor, status.DeviceMinor)
            : throw new ContainerException("read the device number of", path, Errno.None, "It is not a device file.");
    }

    private static string ReadLine(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (IOException)
        {
            return string.Empty;
        }
    }

    private static bool TryParse(string text, out DeviceNumber number)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        number = default;
        if (colon < 0 ||
            !uint.TryParse(text.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out var major) ||
            !uint.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var minor))
        {
            return false;
        }

        number = new DeviceNumber(major, minor);
        return true;
    }
}
