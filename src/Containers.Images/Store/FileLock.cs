using Containers.Interop;
using Microsoft.Win32.SafeHandles;

namespace Containers.Store;

/// <summary>
/// A flock(2) on a file, held by the kernel for as long as this object lives and never longer than its process: no pid and no time
/// has to be trusted to know that an owner is dead. Two locks in one process are as apart as those of two processes.
/// A file that was replaced or removed while its lock was waited for is not the file any more, so it is opened again.
/// </summary>
internal sealed class FileLock : IDisposable
{
    private const uint OwnerReadWrite = 0x180; // 0600
    private const int WaiterStack = 128 * 1024;
    private readonly string _path;

    private FileLock(string path, SafeFileHandle handle)
    {
        _path = path;
        Handle = handle;
    }

    /// <summary>The open file; it is closed with the lock.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>The lock, or null where another has it.</summary>
    public static FileLock? Try(string path, bool exclusive) => Take(path, (exclusive ? Libc.LockExclusive : Libc.LockShared) | Libc.LockNonBlocking);

    /// <summary>Waits for the lock, where whoever may have it has it only for a moment.</summary>
    public static FileLock Acquire(string path, bool exclusive) => Take(path, exclusive ? Libc.LockExclusive : Libc.LockShared)!;

    /// <summary>
    /// Waits for the lock. The kernel has no other wait for a lock than to block a thread, so one is made for it; a wait that was
    /// canceled leaves the thread to get the lock one day and let go of it at once.
    /// </summary>
    public static async ValueTask<FileLock> AcquireAsync(string path, bool exclusive, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Try(path, exclusive) is { } free)
        {
            return free;
        }

        var taken = new TaskCompletionSource<FileLock>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.UnsafeRegister(_ => taken.TrySetCanceled(cancellationToken), null).ConfigureAwait(false);
        var waiter = new Thread(() => Wait(path, exclusive, taken), WaiterStack) { IsBackground = true, Name = "store lock" };
        waiter.Start();
        return await taken.Task.ConfigureAwait(false);
    }

    /// <summary>Takes the file away; only for one that is locked exclusively.</summary>
    public void Remove() => Libc.Unlink(_path);

    public void Dispose() => Handle.Dispose();

    private static void Wait(string path, bool exclusive, TaskCompletionSource<FileLock> taken)
    {
        try
        {
            var owned = Acquire(path, exclusive);
            if (!taken.TrySetResult(owned))
            {
                owned.Dispose();
            }
        }
        catch (ImageException exception)
        {
            taken.TrySetException(exception);
        }
    }

    private static FileLock? Take(string path, int operation)
    {
        while (true)
        {
            var handle = Libc.OpenFile(
                path, Libc.OpenReadWrite | Libc.OpenCreate | Libc.OpenNoFollow | Libc.OpenCloseOnExec, OwnerReadWrite);
            if (handle.IsInvalid)
            {
                var errno = ErrnoNames.Last;
                handle.Dispose();
                throw StoreErrors.From("open the lock", path, errno);
            }

            while (Libc.Lock(handle, operation) != 0)
            {
                var errno = ErrnoNames.Last;
                if (errno == Errno.EINTR)
                {
                    continue;
                }

                handle.Dispose();
                return errno == Errno.EAGAIN ? null : throw StoreErrors.From("lock", path, errno);
            }

            if (IsStill(path, handle))
            {
                return new FileLock(path, handle);
            }

            handle.Dispose();
        }
    }

    private static bool IsStill(string path, SafeFileHandle handle) =>
        FileStatus.TryGet(handle, out var opened) && FileStatus.TryGet(path, out var named)
        && opened.Inode == named.Inode && opened.FileSystem == named.FileSystem;
}
