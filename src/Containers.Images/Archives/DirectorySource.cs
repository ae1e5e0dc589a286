using Containers.Interop;
using Containers.Launch;
using Containers.Oci;
using Microsoft.Win32.SafeHandles;

namespace Containers.Archives;

/// <summary>A directory with an image layout. Nothing below it is followed out of it.</summary>
internal sealed class DirectorySource : ArchiveSource
{
    private readonly FileDescriptor _directory;

    public DirectorySource(string path)
    {
        Name = path;
        _directory = Libc.Open(path, Libc.OpenPath | Libc.OpenDirectory | Libc.OpenCloseOnExec);
        if (_directory.IsInvalid)
        {
            var errno = ErrnoNames.Last;
            _directory.Dispose();
            throw new ImageException("open the image layout", path, errno);
        }
    }

    public override string Name { get; }

    public override bool Contains(string member)
    {
        using var file = Open(member);
        return file is not null;
    }

    public override async ValueTask<byte[]?> ReadDocumentAsync(string member, CancellationToken cancellationToken)
    {
        var file = Open(member);
        if (file is null)
        {
            return null;
        }

        await using (file.ConfigureAwait(false))
        {
            if (file.Length > DocumentLimits.MaxDocument)
            {
                throw TooLarge(member, file.Length);
            }

            var content = new byte[file.Length];
            var count = await file.ReadAtLeastAsync(content, content.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            return content[..count];
        }
    }

    public override async ValueTask ReadAsync(IReadOnlyDictionary<string, MemberReader> members, CancellationToken cancellationToken)
    {
        foreach (var (member, read) in members)
        {
            var file = Open(member) ?? throw Missing(member);
            await using (file.ConfigureAwait(false))
            {
                await read(file, file.Length, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public override ValueTask DisposeAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    private unsafe FileStream? Open(string member)
    {
        if (Normalize(member) is not { } path)
        {
            throw NoFile(member);
        }

        // O_NONBLOCK: a fifo in place of a file must not make anybody wait.
        var how = new Linux.OpenHow
        {
            Flags = (ulong)(uint)(Libc.OpenReadOnly | Libc.OpenNonBlocking | Libc.OpenCloseOnExec),
            Resolve = Linux.ResolveBeneath | Linux.ResolveNoSymlinks | Linux.ResolveNoMagicLinks,
        };
        var file = Libc.OpenAt2(_directory, path, &how);
        if (file.IsInvalid)
        {
            var errno = ErrnoNames.Last;
            file.Dispose();
            return errno is Errno.ENOENT or Errno.ENOTDIR ? null : errno is Errno.ELOOP or Errno.EXDEV ? throw NoFile(member) : throw new ImageException("open", Path.Combine(Name, path), errno);
        }

        if (!FileStatus.TryGet(file, out var status) || status.Kind != FileKind.Regular)
        {
            file.Dispose();
            throw NoFile(member);
        }

        var handle = new SafeFileHandle(file.Number, ownsHandle: true);
        file.SetHandleAsInvalid();
        return new FileStream(handle, FileAccess.Read, bufferSize: 0);
    }
}
