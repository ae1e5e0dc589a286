using System.Buffers.Text;
using System.Text;
using Containers.Interop;

namespace Containers.Cgroups;

/// <summary>
/// One directory of a control group hierarchy. Its files are opened, used and closed at once: a container holds no descriptor of
/// them. Paths are bytes, for a job with a writable hierarchy names its own groups as it likes.
/// </summary>
internal sealed unsafe class ControlGroup
{
    private const uint Mode = 0x1ED; // rwxr-xr-x
    private const int PathMax = 4096;
    private const int LongestNumber = 20;
    private const int EntriesBufferSize = 8192;

    // struct linux_dirent64: d_ino (8), d_off (8), d_reclen (2), d_type (1), d_name.
    private const int EntryLengthOffset = 16;
    private const int EntryTypeOffset = 18;
    private const int EntryNameOffset = 19;

    private readonly byte[] _path;

    public ControlGroup(string path, bool isV2)
        : this(Encoding.UTF8.GetBytes(path), isV2)
    {
    }

    private ControlGroup(byte[] path, bool isV2)
    {
        _path = path;
        IsV2 = isV2;
    }

    public bool IsV2 { get; }

    public string Path => Encoding.UTF8.GetString(_path);

    public ControlGroup Child(string name) => Child(Encoding.UTF8.GetBytes(name));

    public string File(ReadOnlySpan<byte> file) => $"{Path}/{Encoding.UTF8.GetString(file)}";

    public Errno TryMake()
    {
        var path = stackalloc byte[PathLength(default)];
        FillPath(path, default);
        if (Libc.MakeDirectoryBytes(path, Mode) != 0)
        {
            return ErrnoNames.Last;
        }

        // Whatever this process's umask is: a container whose root is nobody here mounts the v2 tree with its own group as the root, and
        // has to be allowed to search every group on the way there.
        return !IsV2 || Libc.ChangeModeBytes(path, Mode) == 0 ? Errno.None : ErrnoNames.Last;
    }

    public Errno TryRemove()
    {
        var path = stackalloc byte[PathLength(default)];
        FillPath(path, default);
        return Libc.RemoveDirectoryBytes(path) == 0 ? Errno.None : ErrnoNames.Last;
    }

    public FileDescriptor Open(ReadOnlySpan<byte> file, int flags)
    {
        var path = stackalloc byte[PathLength(file)];
        FillPath(path, file);
        return Libc.OpenBytes(path, flags | Libc.OpenCloseOnExec);
    }

    public Errno TryWrite(ReadOnlySpan<byte> file, ReadOnlySpan<byte> value)
    {
        using var fd = Open(file, Libc.OpenWriteOnly);
        if (fd.IsInvalid)
        {
            return ErrnoNames.Last;
        }

        fixed (byte* bytes = value)
        {
            // A control file takes a value in one write or refuses it; a signal before it took any is tried again.
            Errno errno;
            do
            {
                errno = Libc.Write(fd, bytes, (nuint)value.Length) >= 0 ? Errno.None : ErrnoNames.Last;
            }
            while (errno == Errno.EINTR);
            return errno;
        }
    }

    public Errno TryWrite(ReadOnlySpan<byte> file, long value)
    {
        Span<byte> text = stackalloc byte[LongestNumber];
        Utf8Formatter.TryFormat(value, text, out var length);
        return TryWrite(file, text[..length]);
    }

    public void Write(ReadOnlySpan<byte> file, ReadOnlySpan<byte> value) => Require(TryWrite(file, value), file, value);

    public void Write(ReadOnlySpan<byte> file, long value)
    {
        Span<byte> text = stackalloc byte[LongestNumber];
        Utf8Formatter.TryFormat(value, text, out var length);
        Write(file, text[..length]);
    }

    /// <summary>Throws what a refused write of <paramref name="value"/> means.</summary>
    public void Require(Errno errno, ReadOnlySpan<byte> file, ReadOnlySpan<byte> value)
    {
        if (errno != Errno.None)
        {
            throw new ContainerException(
                $"write '{Encoding.UTF8.GetString(value)}' to", File(file), errno, CgroupRemedies.ForWrite(errno, IsV2));
        }
    }

    /// <summary>Reads up to the buffer's size; returns the part read, or nothing where the file cannot be read.</summary>
    public ReadOnlySpan<byte> Read(ReadOnlySpan<byte> file, Span<byte> buffer)
    {
        using var fd = Open(file, Libc.OpenReadOnly);
        if (fd.IsInvalid)
        {
            return default;
        }

        fixed (byte* bytes = buffer)
        {
            // These files are one record each (seq_file's single show), which comes in one read as far as there is room.
            nint count;
            do
            {
                count = Libc.Read(fd, bytes, (nuint)buffer.Length);
            }
            while (count < 0 && ErrnoNames.Last == Errno.EINTR);
            return count > 0 ? buffer[..(int)count] : default;
        }
    }

    public long? ReadNumber(ReadOnlySpan<byte> file)
    {
        Span<byte> buffer = stackalloc byte[LongestNumber + 4];
        return KernelText.Number(Read(file, buffer));
    }

    public long? ReadKeyed(ReadOnlySpan<byte> file, ReadOnlySpan<byte> key)
    {
        Span<byte> buffer = stackalloc byte[1024];
        return KernelText.Keyed(Read(file, buffer), key);
    }

    /// <summary>The groups directly below.</summary>
    public List<ControlGroup> Children()
    {
        var children = new List<ControlGroup>();
        using var fd = Open(default, Libc.OpenReadOnly | Libc.OpenDirectory);
        if (fd.IsInvalid)
        {
            return children;
        }

        var buffer = new byte[EntriesBufferSize];
        fixed (byte* bytes = buffer)
        {
            nint count;
            while ((count = Libc.GetDirectoryEntries(Libc.SysGetDirectoryEntries, fd, bytes, buffer.Length)) > 0)
            {
                for (var at = 0; at < count;)
                {
                    var entry = buffer.AsSpan(at, BitConverter.ToUInt16(buffer, at + EntryLengthOffset));
                    var name = entry[EntryNameOffset..];
                    name = name[..name.IndexOf((byte)0)];
                    if (entry[EntryTypeOffset] == Libc.DirectoryEntryDirectory && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                    {
                        children.Add(Child(name));
                    }

                    at += entry.Length;
                }
            }
        }

        return children;
    }

    private ControlGroup Child(ReadOnlySpan<byte> name)
    {
        var path = new byte[_path.Length + 1 + name.Length];
        _path.CopyTo(path, 0);
        path[_path.Length] = (byte)'/';
        name.CopyTo(path.AsSpan(_path.Length + 1));
        return new ControlGroup(path, IsV2);
    }

    private int PathLength(ReadOnlySpan<byte> file)
    {
        var length = _path.Length + file.Length + 2;
        return length <= PathMax ? length : throw new ContainerException("use the control group", File(file), Errno.ENAMETOOLONG);
    }

    private void FillPath(byte* path, ReadOnlySpan<byte> file)
    {
        var target = new Span<byte>(path, _path.Length + file.Length + 2);
        _path.CopyTo(target);
        if (!file.IsEmpty)
        {
            target[_path.Length] = (byte)'/';
            file.CopyTo(target[(_path.Length + 1)..]);
            target[^1] = 0;
        }
        else
        {
            target[_path.Length] = 0;
        }
    }
}
