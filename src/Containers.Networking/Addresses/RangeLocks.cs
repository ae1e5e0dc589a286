using Containers.Interop;

namespace Containers.Addresses;

/// <summary>
/// A file of which processes lock ranges: each number in it is somebody's as long as its lock is held, and the kernel lets go of all with
/// the process, so that nothing has to be swept and no record can be left behind. The locks are of the open description: two objects
/// over one file conflict within one process too, but one object never with itself.
/// </summary>
internal sealed unsafe class RangeLocks : IDisposable
{
    private const uint OwnerOnly = 0x180; // 0600

    private readonly FileDescriptor _file;
    private readonly string _path;

    public RangeLocks(string directory, string name)
    {
        EngineDirectory.CreateOwned(directory);
        _path = Path.Combine(directory, name);
        _file = Libc.Open(_path, Libc.OpenReadWrite | Libc.OpenCreate | Libc.OpenCloseOnExec | Libc.OpenNoFollow, OwnerOnly);
        if (_file.IsInvalid)
        {
            throw new NetworkException("open the record of addresses", _path, ErrnoNames.Last);
        }
    }

    /// <summary>Locks a range for this object alone, or shared with others that share; a lock it has already becomes that kind.</summary>
    /// <returns>Whether it could; not where others have any of it.</returns>
    public bool TryLock(long start, long length, bool shared = false) => Set(shared ? Libc.RangeLockShared : Libc.RangeLockExclusive, start, length);

    public void Unlock(long start, long length) => Set(Libc.RangeLockNone, start, length);

    /// <summary>What others have locked of a range, the first part of it; null: nothing.</summary>
    public (long Start, long Length)? FindConflict(long start, long length)
    {
        var range = new Libc.FileLock { Kind = Libc.RangeLockExclusive, Start = start, Length = length };
        return Libc.RangeLock(_file, Libc.FcntlGetRangeLock, &range) == 0
            ? range.Kind == Libc.RangeLockNone ? null : (range.Start, range.Length == 0 ? long.MaxValue - range.Start : range.Length)
            : throw new NetworkException("look for locks of", _path, ErrnoNames.Last);
    }

    /// <summary>A number that is kept in the file: a hint, which may be anything.</summary>
    public long Hint
    {
        get
        {
            long value = 0;
            return Libc.ReadAt(_file, (byte*)&value, sizeof(long), 0) == sizeof(long) ? value : 0;
        }

        // Where it cannot be kept, the next search begins elsewhere.
        set => _ = Libc.WriteAt(_file, (byte*)&value, sizeof(long), 0);
    }

    public void Dispose() => _file.Dispose();

    private bool Set(short kind, long start, long length)
    {
        var range = new Libc.FileLock { Kind = kind, Start = start, Length = length };
        while (Libc.RangeLock(_file, Libc.FcntlSetRangeLock, &range) != 0)
        {
            switch (ErrnoNames.Last)
            {
                case Errno.EINTR:
                    break;
                case Errno.EAGAIN or Errno.EACCES:
                    return false;
                case var errno:
                    throw new NetworkException("lock a range of", _path, errno, "The file system must know locks, as tmpfs does.");
            }
        }

        return true;
    }
}
