using Containers.Specification.Rules;

namespace Containers;

/// <summary>
/// Something put into the container's file tree: made by <see cref="Bind"/>, <see cref="Tmpfs"/> or <see cref="Overlay"/>,
/// refined with a <c>with</c> expression, and checked as a whole by <see cref="ContainerBuilder.WithMount"/>.
/// Every mount is <c>nosuid</c> and <c>nodev</c>.
/// </summary>
public sealed record Mount
{
    /// <summary>Every access for everyone, and only owners delete: the mode of <c>/tmp</c>, 1777.</summary>
    private const UnixFileMode WorldWritable = (UnixFileMode)0x3FF;

    /// <summary>What is mounted.</summary>
    public required MountKind Kind { get; init; }

    /// <summary>The path on the host of a bind or of an overlay's lower directory; null for a tmpfs.</summary>
    public string? Source { get; init; }

    /// <summary>The absolute path in the container; it is created where it is missing.</summary>
    public required string Target { get; init; }

    /// <summary>Whether writing is refused, on the mount and on all mounts below its source.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>How later mounts cross between a bind and its source; only a bind can be other than private.</summary>
    public MountPropagation Propagation { get; init; }

    /// <summary>How much a tmpfs holds, from 4 KiB; null means 64 MiB, as Docker's <c>/dev/shm</c>.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>How many files and directories a tmpfs holds, from 2; null means one for each 4 KiB of its size.</summary>
    public long? Inodes { get; init; }

    /// <summary>The permissions of a tmpfs's root directory; <see cref="UnixFileMode.None"/> means 1777, as <c>/tmp</c>.</summary>
    public UnixFileMode Mode { get; init; }

    /// <summary>
    /// Puts a file or directory of the host into the container. Unlike Docker's, it is read-only unless writing is asked for:
    /// a job that is not trusted shall change the host's files only where the call says so in plain words.
    /// </summary>
    /// <param name="source">The path on the host; a relative one is taken from the current directory now.</param>
    /// <param name="target">The absolute path in the container.</param>
    /// <param name="readOnly">False to let the container change what is at <paramref name="source"/>.</param>
    /// <exception cref="ArgumentException">
    /// A path is empty, not usable, or <paramref name="target"/> is <c>/</c> or under <c>/proc</c>.
    /// </exception>
    public static Mount Bind(string source, string target, bool readOnly = true) => new()
    {
        Kind = MountKind.Bind,
        Source = HostPath.Full(source, nameof(source)),
        Target = ContainerPath.MountTarget(target, nameof(target)),
        ReadOnly = readOnly,
    };

    /// <summary>Puts an empty file system in memory into the container. What it holds counts as memory of the container.</summary>
    /// <param name="target">The absolute path in the container.</param>
    /// <param name="size">How much it holds, from 4 KiB; 64 MiB if null.</param>
    /// <param name="inodes">How many files and directories it holds, from 2; one for each 4 KiB of the size if null.</param>
    /// <param name="mode">The permissions of its root directory; 1777 if null.</param>
    /// <exception cref="ArgumentException">
    /// <paramref name="target"/> is not an absolute path, is <c>/</c> or under <c>/proc</c>.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A number is too small, or <paramref name="mode"/> has bits that are no permissions.
    /// </exception>
    public static Mount Tmpfs(string target, ByteSize? size = null, long? inodes = null, UnixFileMode? mode = null)
    {
        TmpfsLimits.Require(size, nameof(size), inodes, nameof(inodes));
        return new Mount
        {
            Kind = MountKind.Tmpfs,
            Target = ContainerPath.MountTarget(target, nameof(target)),
            Size = size,
            Inodes = inodes,
            Mode = Permissions.Require(mode ?? UnixFileMode.None, nameof(mode)),
        }.WithDefaults();
    }

    /// <summary>
    /// Shows a directory of the host that the container may change as it likes: changes go to a layer of the container's own
    /// and vanish with it.
    /// </summary>
    /// <param name="lowerDirectory">The directory on the host; a relative path is taken from the current directory now.</param>
    /// <param name="target">The absolute path in the container.</param>
    /// <exception cref="ArgumentException">
    /// A path is empty, not usable, or <paramref name="target"/> is <c>/</c> or under <c>/proc</c>.
    /// </exception>
    public static Mount Overlay(string lowerDirectory, string target) => new()
    {
        Kind = MountKind.Overlay,
        Source = HostPath.Full(lowerDirectory, nameof(lowerDirectory)),
        Target = ContainerPath.MountTarget(target, nameof(target)),
    };

    /// <summary>A person's words for the mount, for messages: <c>bind of /srv on /data</c>.</summary>
    internal string Describe() => Source is null ? $"{Word} on {Target}" : $"{Word} of {Source} on {Target}";

    /// <summary>The same mount with normalised paths and no default left open; throws where the parts do not fit together.</summary>
    internal Mount Checked(string parameter)
    {
        Choice.Require(Kind, parameter);
        Choice.Require(Propagation, parameter);
        if ((Source is null) != (Kind == MountKind.Tmpfs))
        {
            throw new ArgumentException(
                Source is null ? $"A {Word} mount needs a source: a path on the host." : "A tmpfs has no source: leave Source null.",
                parameter);
        }

        if (Propagation != MountPropagation.Private && Kind != MountKind.Bind)
        {
            throw new ArgumentException($"Only a bind mount has propagation; leave it Private for {Describe()}.", parameter);
        }

        if (Kind != MountKind.Tmpfs && (Size is not null || Inodes is not null || Mode != UnixFileMode.None))
        {
            throw new ArgumentException($"Size, Inodes and Mode belong to a tmpfs; leave them unset for {Describe()}.", parameter);
        }

        TmpfsLimits.Require(Size, parameter, Inodes, parameter);
        Permissions.Require(Mode, parameter);
        return (this with
        {
            Source = Source is null ? null : HostPath.Full(Source, parameter),
            Target = ContainerPath.MountTarget(Target, parameter),
        }).WithDefaults();
    }

    private string Word => Kind switch
    {
        MountKind.Bind => "bind",
        MountKind.Tmpfs => "tmpfs",
        _ => "overlay",
    };

    private Mount WithDefaults()
    {
        if (Kind != MountKind.Tmpfs)
        {
            return this;
        }

        var size = Size ?? ByteSize.FromMegabytes(64);
        return this with
        {
            Size = size,
            Inodes = Inodes ?? TmpfsLimits.DefaultInodes(size),
            Mode = Mode == UnixFileMode.None ? WorldWritable : Mode,
        };
    }
}
