using System.Text;
using Containers.Interop;
using Containers.Tar;

namespace Containers.Layers;

/// <summary>Looks at files of a tree that a job may be changing meanwhile: by descriptor and name, nothing followed, nothing waited for.</summary>
internal static unsafe class TreeFiles
{
    private const int LongestTarget = 4096;
    private const int LongestXattr = 65536;

    private static readonly string[] OverlayPrefixes = ["trusted.overlay.", "user.overlay."];

    public static FileKind Kind(in Libc.StatxBuffer status) => (FileKind)(status.Mode & 0xf000);

    /// <summary>Invalid where it is gone or was replaced by something else. A fifo that took its place does not hold anybody up.</summary>
    public static FileDescriptor Open(FileDescriptor parent, ReadOnlySpan<byte> name, SubordinateFiles? subordinate = null)
    {
        var flags = Libc.OpenReadOnly | Libc.OpenNoFollow | Libc.OpenNonBlocking | Libc.OpenNoControllingTerminal | Libc.OpenCloseOnExec;
        fixed (byte* start = name)
        {
            var file = Libc.OpenAtBytes(parent, start, flags);
            return file.IsInvalid && IsClosed(subordinate) ? subordinate!.Open(parent, name, flags) : file;
        }
    }

    /// <summary>Whether the last call failed because of rights that the user has inside the user namespace of its engine.</summary>
    public static bool IsClosed(SubordinateFiles? subordinate) => subordinate is not null && ErrnoNames.Last == Errno.EACCES;

    public static bool TryStat(FileDescriptor file, out Libc.StatxBuffer status)
    {
        fixed (byte* empty = "\0"u8)
        fixed (Libc.StatxBuffer* buffer = &status)
        {
            return Libc.StatxBytes(file, empty, Libc.AtEmptyPath, 0x7ff, buffer) == 0;
        }
    }

    /// <summary>Null where it is gone.</summary>
    public static byte[]? ReadLink(FileDescriptor parent, ReadOnlySpan<byte> name, SubordinateFiles? subordinate = null)
    {
        var target = new byte[LongestTarget];
        fixed (byte* start = target, nameStart = name)
        {
            var length = Libc.ReadLinkAtBytes(parent, nameStart, start, LongestTarget);
            if (length >= 0 || !IsClosed(subordinate))
            {
                return length < 0 ? null : target[..(int)length];
            }
        }

        using var link = subordinate!.Open(parent, name, Libc.OpenPath);
        return link.IsInvalid ? null : ReadLink(link, "\0"u8);
    }

    /// <summary>The value of one of overlay's marks, in either spelling; null where it is not set.</summary>
    public static byte[]? OverlayMark(FileDescriptor file, string mark, SubordinateFiles? subordinate = null)
    {
        foreach (var prefix in OverlayPrefixes)
        {
            if (ReadXattr(file, Encoding.ASCII.GetBytes(prefix + mark + "\0"), subordinate) is { } value)
            {
                return value;
            }
        }

        return null;
    }

    public static bool IsOpaque(FileDescriptor directory, SubordinateFiles? subordinate = null) => OverlayMark(directory, "opaque", subordinate) is [(byte)'y'];

    /// <summary>Overlay's other form of a whiteout, where devices cannot be made: an empty file with a mark.</summary>
    public static bool IsMarkedWhiteout(FileDescriptor file, in Libc.StatxBuffer status, SubordinateFiles? subordinate = null) =>
        status.Size == 0 && OverlayMark(file, "whiteout", subordinate) is not null;

    /// <summary>Those that a layer may carry.</summary>
    public static List<TarXattr> Xattrs(FileDescriptor file, SubordinateFiles? subordinate = null)
    {
        var xattrs = new List<TarXattr>();
        var names = new byte[LongestXattr];
        nint length;
        fixed (byte* start = names)
        {
            length = Libc.ListXattrs(file, start, LongestXattr);
        }

        for (var rest = names.AsSpan(0, (int)Math.Max(length, 0)); !rest.IsEmpty;)
        {
            var name = rest[..(rest.IndexOf((byte)0) + 1)];
            if (ReadXattr(file, name, subordinate) is { } value && LayerXattrs.Portable(name[..^1], value) is var portable && LayerXattrs.IsAllowed(name[..^1], portable))
            {
                xattrs.Add(new TarXattr(name[..^1].ToArray(), portable));
            }

            rest = rest[name.Length..];
        }

        return xattrs;
    }

    private static byte[]? ReadXattr(FileDescriptor file, ReadOnlySpan<byte> name, SubordinateFiles? subordinate)
    {
        Span<byte> small = stackalloc byte[256];
        fixed (byte* nameStart = name)
        {
            nint length;
            fixed (byte* start = small)
            {
                length = Libc.GetXattr(file, nameStart, start, (nuint)small.Length);
            }

            if (length >= 0)
            {
                return small[..(int)length].ToArray();
            }

            if (IsClosed(subordinate))
            {
                return subordinate!.ReadXattr(file, name);
            }

            if (ErrnoNames.Last != Errno.ERANGE)
            {
                return null;
            }

            var large = new byte[LongestXattr];
            fixed (byte* start = large)
            {
                length = Libc.GetXattr(file, nameStart, start, LongestXattr);
            }

            return length < 0 ? null : large[..(int)length];
        }
    }
}
