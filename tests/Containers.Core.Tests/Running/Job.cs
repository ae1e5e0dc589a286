using System.Diagnostics;

namespace Containers.Tests.Running;

/// <summary>Jobs made of the host's own programs, and a root directory with nothing but busybox.</summary>
internal static class Job
{
    private const string Busybox = "/bin/busybox";

    private static readonly Lazy<string> BusyboxRoot = new(MakeBusyboxRoot);

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public static ContainerBuilder Shell(string script) =>
        ContainerBuilder.FromHost().WithCommand("/bin/sh", "-c", script).WithTimeout(TimeSpan.FromSeconds(30));

    public static ContainerBuilder InBusybox(string script) =>
        ContainerBuilder.FromDirectory(BusyboxDirectory).WithCommand("/bin/sh", "-c", script).WithTimeout(TimeSpan.FromSeconds(30));

    public static string BusyboxDirectory
    {
        get
        {
            Assert.SkipUnless(File.Exists(Busybox), "busybox-static is not installed");
            return BusyboxRoot.Value;
        }
    }

    public static async Task<string> OutputOf(ContainerBuilder job)
    {
        var result = await job.RunAsync(Token);
        Assert.True(result.IsSuccess, $"{result}: {result.StandardError.Text}");
        return result.StandardOutput.Text;
    }

    public static async Task<ContainerException> FailureOf(ContainerBuilder job) =>
        await Assert.ThrowsAsync<ContainerException>(() => job.RunAsync(Token));

    private static string MakeBusyboxRoot()
    {
        var root = Directory.CreateTempSubdirectory("containers-busybox-").FullName;
        File.SetUnixFileMode(root, (UnixFileMode)0x1ED);
        foreach (var name in (ReadOnlySpan<string>)["bin", "etc", "tmp", "var"])
        {
            Directory.CreateDirectory(Path.Combine(root, name));
        }

        File.Copy(Busybox, root + "/bin/busybox");
        File.WriteAllText(root + "/etc/passwd", "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n");
        File.WriteAllText(root + "/etc/group", "root:x:0:\nada:x:1000:\nstaff:x:50:ada\n");
        using var list = Process.Start(new ProcessStartInfo(Busybox, "--list") { RedirectStandardOutput = true, UseShellExecute = false })!;
        foreach (var applet in list.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (applet != "busybox")
            {
                File.CreateSymbolicLink($"{root}/bin/{applet}", "busybox");
            }
        }

        list.WaitForExit();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(root, recursive: true);
        return root;
    }
}
