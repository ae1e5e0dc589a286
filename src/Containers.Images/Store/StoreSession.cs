using System.Globalization;
using System.Security.Cryptography;
using Containers.Interop;
using Containers.Oci;

namespace Containers.Store;

/// <summary>
/// One user of a store: a lock that lives as long as its process, a directory for what is not finished, and a file that says what
/// it holds. Whatever a process that died left is taken away by the next that opens the store.
/// </summary>
internal sealed class StoreSession : IDisposable
{
    private const string HeldName = "held";
    private readonly FileLock _lock;
    private readonly Action<string> _removeTree;
    private long _count;
    private bool _isDisposed;

    private StoreSession(FileLock owned, string directory, Action<string> removeTree)
    {
        _lock = owned;
        Directory = directory;
        _removeTree = removeTree;
    }

    public string Directory { get; }

    public static StoreSession Create(StoreLayout layout, Action<string> removeTree)
    {
        var directory = Path.Combine(layout.Sessions, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)));

        // Nobody else has the name, but who sweeps at this moment may have found the file before it was locked, and takes it for a dead one's.
        var owned = FileLock.Acquire(directory + StoreLayout.LockSuffix, exclusive: true);
        try
        {
            EngineDirectory.CreateOwned(directory, "store's directory", StoreLayout.Remedy);
            return new StoreSession(owned, directory, removeTree);
        }
        catch
        {
            owned.Remove();
            owned.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Takes away what dead sessions left. The directory goes before the lock's file, and the file while the lock is held: nobody can
    /// have begun to use the name again. What cannot be removed now is left to the next who tries.
    /// </summary>
    public static void Sweep(StoreLayout layout, Action<string> removeTree)
    {
        foreach (var name in System.IO.Directory.EnumerateFileSystemEntries(layout.Sessions).Select(NameOf).Distinct(StringComparer.Ordinal))
        {
            using var owned = FileLock.Try(name + StoreLayout.LockSuffix, exclusive: true);
            if (owned is not null)
            {
                try
                {
                    Remove(name, removeTree);
                    owned.Remove();
                }
                catch (ContainerException)
                {
                }
            }
        }
    }

    /// <summary>
    /// What living sessions hold. Only while the collector's lock is held exclusively, or as a look at a moment that has passed.
    /// </summary>
    /// <exception cref="ImageException">A living session's file cannot be read: nothing may be collected then.</exception>
    public static HashSet<Digest> Held(StoreLayout layout)
    {
        var held = new HashSet<Digest>();
        foreach (var file in System.IO.Directory.EnumerateFiles(layout.Sessions, "*" + StoreLayout.LockSuffix))
        {
            // Even a session that died a moment ago may have its lock with somebody who sweeps; what it held is held a moment longer.
            using var dead = FileLock.Try(file, exclusive: true);
            if (dead is null)
            {
                held.UnionWith(ReadHeld(Path.Combine(NameOf(file), HeldName)));
            }
        }

        return held;
    }

    /// <summary>A path in this session's directory that nothing has.</summary>
    public string NewPath() => Path.Combine(Directory, Interlocked.Increment(ref _count).ToString("x", CultureInfo.InvariantCulture));

    /// <summary>Says what this session holds. It need not survive a crash of the machine: the session does not either.</summary>
    public void WriteHeld(IEnumerable<Digest> digests)
    {
        var path = Path.Combine(Directory, HeldName);
        var temporary = NewPath();
        try
        {
            File.WriteAllLines(temporary, digests.Select(static digest => digest.ToString()));
        }
        catch (Exception exception) when (StoreErrors.IsOfFiles(exception))
        {
            Libc.Unlink(temporary);
            throw StoreErrors.From("write", path, exception);
        }

        DurableFile.Move(temporary, path);
    }

    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            try
            {
                Remove(Directory, _removeTree);
                _lock.Remove();
            }
            finally
            {
                _lock.Dispose();
            }
        }
    }

    private static HashSet<Digest> ReadHeld(string path)
    {
        try
        {
            return [.. File.ReadLines(path).Select(Digest.Parse)];
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception exception) when (StoreErrors.IsOfFiles(exception) || exception is ImageException)
        {
            throw new ImageException("read what is in use", path, exception.Message + " Nothing is removed until its process has ended.", exception);
        }
    }

    private static void Remove(string path, Action<string> removeTree)
    {
        if (System.IO.Directory.Exists(path))
        {
            removeTree(path);
        }
        else
        {
            Libc.Unlink(path);
        }
    }

    private static string NameOf(string path) =>
        path.EndsWith(StoreLayout.LockSuffix, StringComparison.Ordinal) ? path[..^StoreLayout.LockSuffix.Length] : path;
}
