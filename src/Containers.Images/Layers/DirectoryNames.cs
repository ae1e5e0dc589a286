using Containers.Interop;
using Containers.Tar;

namespace Containers.Layers;

/// <summary>The names in a directory, as bytes with their NUL, sorted by them.</summary>
internal static unsafe class DirectoryNames
{
    private const int BufferSize = 32768;
    private const int LengthOffset = 16;
    private const int NameOffset = 19;

    /// <summary>Reads all of it; <paramref name="most"/> bounds what somebody who fills it while it is read can make of that.</summary>
    public static List<byte[]> Read(FileDescriptor directory, ReadOnlySpan<byte> path, int most)
    {
        var names = new List<byte[]>();
        var buffer = new byte[BufferSize];
        fixed (byte* start = buffer)
        {
            // Whoever owns the descriptor may have read it before.
            _ = Libc.Seek(directory, 0, 0);
            nint count;
            while ((count = Libc.GetDirectoryEntries(Libc.SysGetDirectoryEntries, directory, start, buffer.Length)) > 0)
            {
                for (var at = 0; at < count;)
                {
                    var entry = buffer.AsSpan(at, BitConverter.ToUInt16(buffer, at + LengthOffset));
                    var name = entry[NameOffset..];
                    name = name[..(name.IndexOf((byte)0) + 1)];
                    if (!name.SequenceEqual(".\0"u8) && !name.SequenceEqual("..\0"u8))
                    {
                        names.Add(name.ToArray());
                    }

                    at += entry.Length;
                }

                if (names.Count > most)
                {
                    throw LayerLimits.Exceeded(nameof(LayerLimits.Entries), most);
                }
            }

            if (count < 0)
            {
                throw new ImageException("read the directory", RawText.Show(path), ErrnoNames.Last);
            }
        }

        names.Sort((a, b) => a.AsSpan().SequenceCompareTo(b));
        return names;
    }
}
