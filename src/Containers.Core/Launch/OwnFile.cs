using System.Buffers;
using System.Text;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>A small text file that the engine made in a container's root, changed in place while the container runs: whoever has it open, or watches it, sees the change.</summary>
internal static class OwnFile
{
    /// <summary>More than any such file has; a container can make its own as large as it likes.</summary>
    private const int MostBytes = 1 << 20;

    /// <summary>Changes it, where it is still the engine's.</summary>
    /// <param name="guardian">The container's.</param>
    /// <param name="context">The container's.</param>
    /// <param name="mounts">The container's mount namespace.</param>
    /// <param name="path">The file.</param>
    /// <param name="edit">What becomes of its text; each character is a byte.</param>
    /// <exception cref="ContainerException">It cannot be read or written; it has then what it had.</exception>
    public static async Task EditAsync(Guardian guardian, LaunchContext context, FileDescriptor mounts, string path, Func<string, string> edit)
    {
        using var file = await OpenAsync(guardian, context, mounts, path).ConfigureAwait(false);
        if (file is null || !FileStatus.TryGet(file, out var status) || status.Kind != FileKind.Regular)
        {
            return;
        }

        if (status.Size > MostBytes)
        {
            throw new ContainerException("change", path, Errno.EFBIG, "The container has made it larger than such a file can be, and keeps it as it is.");
        }

        var before = Read(file, path);
        var text = Encoding.Latin1.GetString(before);
        var edited = edit(text);
        if (edited != text && !TryReplace(file, Encoding.Latin1.GetBytes(edited)))
        {
            var reason = ErrnoNames.Last;
            _ = TryReplace(file, before);
            throw new ContainerException("write", path, reason);
        }
    }

    private static async Task<FileDescriptor?> OpenAsync(Guardian guardian, LaunchContext context, FileDescriptor mounts, string path)
    {
        var id = guardian.NextId();
        using var program = OwnFileProgram.Compile(id, context, path);
        using var errand = Errand.Start(guardian, id, program, passed: mounts);
        try
        {
            return (await errand.Handed.ConfigureAwait(false))[0];
        }
        catch (ContainerException fault) when (OwnFileProgram.IsSomebodyElses(fault.ErrorNumber))
        {
            return null;
        }
        finally
        {
            await errand.Ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static unsafe byte[] Read(FileDescriptor file, string path)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(MostBytes);
        try
        {
            var length = 0;
            fixed (byte* start = buffer)
            {
                nint count;
                while (length < MostBytes && (count = Libc.ReadAt(file, start + length, (nuint)(MostBytes - length), length)) != 0)
                {
                    length += count > 0 ? (int)count : throw new ContainerException("read", path, ErrnoNames.Last);
                }
            }

            return buffer[..length];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Over what is there, and only then cut: whoever reads meanwhile finds no empty file.</summary>
    private static unsafe bool TryReplace(FileDescriptor file, byte[] content)
    {
        fixed (byte* start = content)
        {
            for (var done = 0; done < content.Length;)
            {
                var count = Libc.WriteAt(file, start + done, (nuint)(content.Length - done), done);
                if (count <= 0)
                {
                    return false;
                }

                done += (int)count;
            }
        }

        return Libc.Truncate(file, content.Length) == 0;
    }
}
