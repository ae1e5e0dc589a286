using System.Diagnostics;
using System.Runtime.InteropServices;
using Containers.Interop;
using Containers.Netlink;
using Containers.Rtnetlink;

namespace Containers.Tests;

/// <summary>A network namespace of a test's own. It and all in it are gone with its descriptor.</summary>
internal sealed partial class TestNamespace : IDisposable
{
    private TestNamespace(NetworkNamespace space)
    {
        Namespace = space;
        Route = RouteClient.Open(space);
    }

    public NetworkNamespace Namespace { get; }

    public RouteClient Route { get; }

    public static TestNamespace Create()
    {
        Assert.SkipUnless(Libc.EffectiveUserId() == 0, "only root may make a network namespace");
        NetworkNamespace? made = null;
        var errno = Errno.None;
        var thread = new Thread(() =>
        {
            errno = Unshare(Libc.CloneNewNetwork) == 0 ? Errno.None : ErrnoNames.Last;
            made = errno == Errno.None ? NetworkNamespace.Current() : null;
        });
        thread.Start();
        thread.Join();
        Assert.Equal(Errno.None, errno);
        return new TestNamespace(made!);
    }

    /// <summary>Runs a program inside and returns what it wrote.</summary>
    public string Run(string program, params string[] arguments)
    {
        Assert.SkipUnless(Array.Exists(["/usr/sbin/", "/sbin/", "/usr/bin/"], folder => File.Exists(folder + program)), $"{program} is not installed");
        Assert.SkipUnless(File.Exists("/usr/bin/nsenter"), "nsenter is not installed");
        var start = new ProcessStartInfo("/usr/bin/nsenter", [$"--net=/proc/{Environment.ProcessId}/fd/{Namespace.Descriptor.Number}", program, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {errors.Result}{output}");
        return output;
    }

    /// <summary>The same, with runs of white space as one space, so that layout does not matter.</summary>
    public string Words(string program, params string[] arguments) => string.Join(' ', Run(program, arguments).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    public void Dispose()
    {
        Route.Dispose();
        RemoveRecords(Namespace);
        Namespace.Dispose();
    }

    /// <summary>Where engines that ran in a namespace kept their records of addresses.</summary>
    public static void RemoveRecords(NetworkNamespace space)
    {
        var records = $"/run/containers-net-addresses/{(FileStatus.TryGet(space.Descriptor, out var status) ? status.Inode : 0)}";
        if (Directory.Exists(records))
        {
            Directory.Delete(records, recursive: true);
        }
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Unshare(int flags);
}
