using System.Collections.Immutable;

#pragma warning disable CS1591 // to be split into a file a type, documented and validated
namespace Containers;

public enum NamespaceKind
{
    Mount,
    Uts,
    Ipc,
    Network,
    Pid,
    User,
    Cgroup,
    Time,
}

public enum NamespaceMode
{
    Private,
    Host,
    Container,
}

public enum OutputOverflow
{
    Truncate,
    Kill,
}

public enum Signal
{
    Hangup = 1,
    Interrupt = 2,
    Quit = 3,
    Abort = 6,
    Kill = 9,
    User1 = 10,
    User2 = 12,
    Pipe = 13,
    Alarm = 14,
    Terminate = 15,
    Continue = 18,
    Stop = 19,
    WindowChange = 28,
}

/// <summary>Processors a container may run on, in the kernel's list format: <c>0-2,6,8</c> (cpuset(7)).</summary>
public sealed record CpuSet(string List);

public sealed record Ulimit(string Name, ulong Soft, ulong Hard);

public enum MountKind
{
    Bind,
    Tmpfs,
    Overlay,
}

public enum MountPropagation
{
    Private,
    Slave,
    Shared,
}

public sealed record Mount
{
    public required MountKind Kind { get; init; }

    public string? Source { get; init; }

    public required string Target { get; init; }

    public bool ReadOnly { get; init; }

    public MountPropagation Propagation { get; init; }

    public ByteSize? Size { get; init; }

    public long? Inodes { get; init; }

    public UnixFileMode Mode { get; init; }
}

/// <summary>A device of the host put into the container's /dev.</summary>
public sealed record DeviceNode(string HostPath, string ContainerPath, string Access);

/// <summary>Block I/O weight and per-device rates.</summary>
public sealed record BlockIOLimits
{
    public int? Weight { get; init; }

    public ImmutableArray<BlockIODeviceLimit> Devices { get; init; } = [];
}

public sealed record BlockIODeviceLimit(string DevicePath)
{
    public long? ReadBytesPerSecond { get; init; }

    public long? WriteBytesPerSecond { get; init; }

    public long? ReadOperationsPerSecond { get; init; }

    public long? WriteOperationsPerSecond { get; init; }
}

public readonly record struct TerminalSize(ushort Columns, ushort Rows);
