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
    public static FileDescriptor Open(FileDescriptor parent, ReadOnlySpan<byte> name)
    {
        fixed (byte* start = name)
        {
            return Libc.OpenAtBytes(
                parent, start, Libc.OpenReadOnly | Libc.OpenNoFollow | Libc.OpenNonBlocking | Libc.OpenNoControllingTerminal | Libc.OpenCloseOnExec);
        }
    }

    public static bool TryStat(FileDescriptor file, out Libc.StatxBuffer status)
    {
        fixed (byte* empty = "\0"u8)
        fixed (Libc.StatxBuffer* buffer = &status)
        {
            return Libc.StatxBytes(file, empty, Libc.AtEmptyPath, 0x7ff, buffer) == 0;
        }
    }

    /// <summary>Null where it is gone.</summary>
    public static byte[]? ReadLink(FileDescriptor parent, ReadOnlySpan<byte> name)
    {
        var target = new byte[LongestTarget];
        fixed (byte* start = target, nameStart = name)
        {
            var length = Libc.ReadLinkAtBytes(parent, nameStart, start, LongestTarget);
            return length < 0 ? null : target[..(int)length];
        }
    }

    /// <summary>The value of one of overlay's marks, in either spelling; null where it is not set.</summary>
    public static byte[]? OverlayMark(FileDescriptor file, string mark)
    {
        foreach (var prefix in OverlayPrefixes)
        {
            if (ReadXattr(file, Encoding.ASCII.GetBytes(prefix + mark + "\0")) is { } value)
            {
                return value;
            }
        }

        return null;
    }

    public static bool IsOpaque(FileDescriptor directory) => OverlayMark(directory, "opaque") is [(byte)'y'];

    /// <summary>Overlay's other form of a whiteout, where devices cannot be made: an empty file with a mark.</summary>
    public static bool IsMarkedWhiteout(FileDescriptor file, in Libc.StatxBuffer status) => status.Size == 0 && OverlayMark(file, "whiteout") is not null;

    /// <summary>Those that a layer may carry.</summary>
    public static List<TarXattr> Xattrs(FileDescriptor file)
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
            if (ReadXattr(file, name) is { } value && LayerXattrs.IsAllowed(name[..^1], value))
            {
                xattrs.Add(new TarXattr(name[..^1].ToArray(), value));
            }

            rest = rest[name.Length..];
        }

        return xattrs;
    }

    private static byte[]? ReadXattr(FileDescriptor file, ReadOnlySpan<byte> name)
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
