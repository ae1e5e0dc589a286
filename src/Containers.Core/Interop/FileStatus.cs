using Microsoft.Win32.SafeHandles;

namespace Containers.Interop;

internal enum FileKind
{
    Fifo = 0x1000,
    CharacterDevice = 0x2000,
    Directory = 0x4000,
    BlockDevice = 0x6000,
    Regular = 0x8000,
    SymbolicLink = 0xa000,
    Socket = 0xc000,
}

/// <summary>What statx(2) tells of a file. Statx has one layout on every machine, unlike stat.</summary>
internal readonly struct FileStatus
{
    private const uint BasicStats = 0x7ff;

    public FileKind Kind { get; private init; }

    public uint Mode { get; private init; }

    public uint UserId { get; private init; }

    public uint GroupId { get; private init; }

    public ulong Size { get; private init; }

    public ulong Inode { get; private init; }

    public uint DeviceMajor { get; private init; }

    public uint DeviceMinor { get; private init; }

    /// <summary>Of the last change of its content, since 1970.</summary>
    public (long Seconds, long Nanoseconds) Modified { get; private init; }

    /// <summary>The device of the file system that the file is on.</summary>
    public ulong FileSystem { get; private init; }

    /// <summary>Follows links. False: the errno is in <see cref="ErrnoNames.Last"/>.</summary>
    public static bool TryGet(string path, out FileStatus status) => TryGet(Libc.AtFdCwd, path, 0, out status);

    public static bool TryGet(FileDescriptor fd, out FileStatus status) => TryGet(fd.Number, string.Empty, Libc.AtEmptyPath, out status);

    public static bool TryGet(SafeFileHandle file, out FileStatus status) =>
        TryGet((int)file.DangerousGetHandle(), string.Empty, Libc.AtEmptyPath, out status);

    private static unsafe bool TryGet(int directory, string path, int flags, out FileStatus status)
    {
        Libc.StatxBuffer buffer;
        if (Libc.Statx(directory, path, flags, BasicStats, &buffer) != 0)
        {
            status = default;
            return false;
        }

        status = new FileStatus
        {
            Kind = (FileKind)(buffer.Mode & 0xf000),
            Mode = buffer.Mode & 0xfffu,
            Modified = (buffer.ModifiedSeconds, buffer.ModifiedNanoseconds),
            UserId = buffer.UserId,
            GroupId = buffer.GroupId,
            Size = buffer.Size,
            Inode = buffer.Inode,
            DeviceMajor = buffer.DeviceMajor,
            DeviceMinor = buffer.DeviceMinor,
            FileSystem = ((ulong)buffer.FileSystemMajor << 32) | buffer.FileSystemMinor,
        };
        return true;
    }
}
