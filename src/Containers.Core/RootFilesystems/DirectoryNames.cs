using Containers.Interop;

namespace Containers.RootFilesystems;

/// <summary>The names in a directory, as bytes with their NUL.</summary>
internal static unsafe class DirectoryNames
{
    private const int BufferSize = 32768;

    // struct linux_dirent64: d_ino (8), d_off (8), d_reclen (2), d_type (1), d_name.
    private const int LengthOffset = 16;
    private const int NameOffset = 19;

    /// <summary>
    /// Reads them all, from the first on, whoever read the descriptor before; <paramref name="most"/> bounds what somebody who fills the
    /// directory meanwhile can make of that. False: the errno is in <see cref="ErrnoNames.Last"/>.
    /// </summary>
    public static bool TryRead(FileDescriptor directory, List<byte[]> names, int most = int.MaxValue)
    {
        var buffer = new byte[BufferSize];
        nint count;
        fixed (byte* start = buffer)
        {
            if (Libc.Seek(directory, 0, 0) < 0)
            {
                return false;
            }

            while ((count = Libc.GetDirectoryEntries(Libc.SysGetDirectoryEntries, directory, start, buffer.Length)) > 0 && names.Count <= most)
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
            }
        }

        return count >= 0;
    }
}
