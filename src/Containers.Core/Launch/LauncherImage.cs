using System.Runtime.InteropServices;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>
/// The launcher as an executable memfd, sealed so that neither a container nor anyone else can change what runs with
/// privilege (CVE-2019-5736).
/// </summary>
internal static unsafe class LauncherImage
{
    private const int Seals = Libc.SealSeal | Libc.SealShrink | Libc.SealGrow | Libc.SealWrite;

    private const uint AnyoneMayExecute = 0x149; // 0511
    private const uint ExecuteOnly = 0x49; // 0111

    /// <summary>
    /// A new descriptor of a fresh copy. Each use gets its own inode: what stays in a container as its init must not be
    /// the file the guardian runs from.
    /// </summary>
    /// <param name="directory">Where a file without a name is made instead when memfds cannot be executed here (vm.memfd_noexec).</param>
    /// <param name="isPrivate">Nobody but the host's root can read it, nor trace what runs from it.</param>
    /// <exception cref="ContainerException">Neither a memfd nor a file can be executed here.</exception>
    public static FileDescriptor Create(string directory, bool isPrivate = false)
    {
        var image = CreateReadable(directory);

        // Who executes what it cannot read can be traced only by those with rights over the file: a container's root has none (ptrace(2)).
        return isPrivate && Libc.ChangeMode(image, ExecuteOnly) != 0 ? throw new ContainerException("set the mode of", "the launcher", ErrnoNames.Last) : image;
    }

    private static FileDescriptor CreateReadable(string directory)
    {
        var memfd = Libc.MemfdCreate("launcher", Libc.MemfdCloseOnExec | Libc.MemfdAllowSealing | Libc.MemfdExec);
        if (memfd.IsInvalid && ErrnoNames.Last == Errno.EINVAL)
        {
            // Before Linux 6.3 there was no MFD_EXEC, and every memfd could be executed.
            memfd = Libc.MemfdCreate("launcher", Libc.MemfdCloseOnExec | Libc.MemfdAllowSealing);
        }

        if (memfd.IsInvalid)
        {
            return ErrnoNames.Last is Errno.EACCES or Errno.EPERM ? CreateFile(directory) : throw new ContainerException("memfd_create launcher", null, ErrnoNames.Last);
        }

        Fill(memfd);
        if (Libc.Fcntl(memfd, Libc.FcntlAddSeals, Seals) != 0)
        {
            throw new ContainerException("seal the launcher", null, ErrnoNames.Last);
        }

        return memfd;
    }

    /// <summary>A file that has no name, and that nobody has open for writing once it is returned: the kernel lets nobody write what is executed.</summary>
    private static FileDescriptor CreateFile(string directory)
    {
        using var written = Libc.Open(directory, Libc.OpenTemporaryFile | Libc.OpenReadWrite | Libc.OpenCloseOnExec, AnyoneMayExecute);
        if (written.IsInvalid)
        {
            throw new ContainerException("create the launcher in", directory, ErrnoNames.Last,
                "Memfds cannot be executed here (sysctl vm.memfd_noexec): name a state directory where files can be (ContainerEngineOptions.StateDirectory).");
        }

        // Whatever the umask: the root of a user namespace, who is another to this file, executes it as init.
        if (Libc.ChangeMode(written, AnyoneMayExecute) != 0)
        {
            throw new ContainerException("set the mode of the launcher in", directory, ErrnoNames.Last);
        }

        Fill(written);
        var image = Libc.Open($"/proc/self/fd/{written.Number}", Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        return image.IsInvalid ? throw new ContainerException("open the launcher in", directory, ErrnoNames.Last) : image;
    }

    private static void Fill(FileDescriptor memfd)
    {
        var machine = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => "x64",
            Architecture.Arm64 => "arm64",
            var other => throw new PlatformNotSupportedException($"There is no launcher for {other}; x64 and arm64 are supported."),
        };
        using var resource = typeof(LauncherImage).Assembly.GetManifestResourceStream($"launcher-{machine}")
            ?? throw new InvalidOperationException($"The assembly lacks its resource launcher-{machine}.");
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        fixed (byte* start = bytes)
        {
            if (Libc.Write(memfd, start, (nuint)bytes.Length) != bytes.Length)
            {
                throw new ContainerException("write the launcher", null, ErrnoNames.Last);
            }
        }
    }
}
