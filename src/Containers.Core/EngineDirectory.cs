using System.Globalization;
using System.Security.Cryptography;
using Containers.Cgroups;
using Containers.Interop;

namespace Containers;

/// <summary>
/// The files of one running engine below the state directory: a lock, held by the kernel for as long as this process lives, and
/// an empty directory that containers mount over in their own namespaces.
/// </summary>
internal sealed class EngineDirectory : IDisposable
{
    private const string LockName = "lock";
    private readonly FileStream _lock;

    private EngineDirectory(string name, string path, FileStream owned)
    {
        Name = name;
        Path = path;
        _lock = owned;
        Scratch = System.IO.Path.Combine(path, "scratch");
    }

    /// <summary>The engine's name, which its cgroups have too.</summary>
    public string Name { get; }

    public string Path { get; }

    public string Scratch { get; }

    /// <summary>Where engines keep state by default: gone at the next boot, as everything they keep is.</summary>
    public static string DefaultRoot()
    {
        if (Libc.EffectiveUserId() == 0)
        {
            return "/run/containers-net";
        }

        var runtime = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        return !string.IsNullOrEmpty(runtime) && Directory.Exists(runtime)
            ? System.IO.Path.Combine(runtime, "containers-net")
            : string.Create(CultureInfo.InvariantCulture, $"/tmp/containers-net-{Libc.EffectiveUserId()}");
    }

    /// <summary>Makes a new engine's directory, and sweeps what engines that have died left.</summary>
    public static EngineDirectory Create(string root)
    {
        CreateOwned(root);
        Sweep(root);
        var name = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
        var path = System.IO.Path.Combine(root, name);
        CreateOwned(path);
        var owned = TryLock(System.IO.Path.Combine(path, LockName)) ?? throw new ContainerException("lock", System.IO.Path.Combine(path, LockName), Errno.EAGAIN);
        var directory = new EngineDirectory(name, path, owned);
        Directory.CreateDirectory(directory.Scratch);
        return directory;
    }

    /// <summary>Another directory in it, for a container to write to.</summary>
    public string CreatePrivate(string id)
    {
        var path = System.IO.Path.Combine(Path, id[..12]);
        CreateOwned(path);
        return path;
    }

    public void Dispose()
    {
        _lock.Dispose();
        RootFilesystems.DirectoryTree.Remove(Path);
    }

    /// <summary>
    /// An engine is dead when its lock is free: the kernel lets go of it with the process, and no pid has to be trusted. Its
    /// processes died with it; the groups they were in, and the directory, are taken away here.
    /// </summary>
    private static void Sweep(string root)
    {
        foreach (var path in Directory.EnumerateDirectories(root))
        {
            using var owned = TryLock(System.IO.Path.Combine(path, LockName));
            if (owned is not null)
            {
                CgroupHost.Sweep(System.IO.Path.GetFileName(path));
                RootFilesystems.DirectoryTree.Remove(path);
            }
        }
    }

    /// <summary>The lock of a file, for as long as this process lives; null where another has it.</summary>
    internal static FileStream? TryLock(string file)
    {
        try
        {
            // FileShare.None is flock(2) with LOCK_EX here.
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
        }
        catch (IOException)
        {
            // Another engine holds it, or has just taken the whole directory away.
            return null;
        }
    }

    /// <summary>Makes the directory if it is not there, and refuses one in which somebody else could put files.</summary>
    internal static void CreateOwned(
        string path, string what = "state directory", string remedy = "Name another in ContainerEngineOptions.StateDirectory.")
    {
        const uint OwnerOnly = 0x1C0; // 0700
        if (System.IO.Path.GetDirectoryName(path) is { } parent)
        {
            Directory.CreateDirectory(parent);
        }

        if (Libc.MakeDirectory(path, OwnerOnly) != 0 && ErrnoNames.Last is var errno and not Errno.EEXIST)
        {
            throw new ContainerException($"create the {what}", path, errno, remedy);
        }

        if (!FileStatus.TryGet(path, out var status) || status.UserId != Libc.EffectiveUserId() || (status.Mode & 0x12) != 0)
        {
            throw new ContainerException($"use as {what}", path, Errno.EACCES,
                $"It must belong to this user and be writable by nobody else. {remedy}");
        }
    }
}
