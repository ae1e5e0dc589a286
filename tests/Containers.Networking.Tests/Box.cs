using System.Diagnostics;

namespace Containers.Tests;

/// <summary>Containers with nothing but a static busybox.</summary>
internal static class Box
{
    private const string Busybox = "/bin/busybox";

    private static readonly Lazy<string> Root = new(MakeRoot);

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public static ContainerBuilder Shell(string script)
    {
        Assert.SkipUnless(File.Exists(Busybox), "busybox-static is not installed");
        return ContainerBuilder.FromDirectory(Root.Value).WithCommand("/bin/sh", "-c", script).WithTimeout(TimeSpan.FromSeconds(60));
    }

    /// <summary>A container that stays until it is disposed.</summary>
    public static ContainerBuilder Sleeper => Shell("trap 'exit 0' TERM; sleep 600 & wait");

    /// <summary>Serves a file with this text by HTTP on a port.</summary>
    public static ContainerBuilder Web(string text, int port = 80) => Shell($"mkdir /www; echo {text} > /www/index.html; exec httpd -f -p {port} -h /www");

    /// <summary>Runs a script in a running container, and returns what it wrote. A server that has only just been started may not listen yet.</summary>
    public static async Task<string> InAsync(Container container, string script)
    {
        var result = await container.ExecAsync(["/bin/sh", "-c", script], options: null, Token);
        for (var attempt = 0; attempt < 50 && result.StandardError.Text.Contains("Connection refused", StringComparison.Ordinal); attempt++)
        {
            await Task.Delay(20, Token);
            result = await container.ExecAsync(["/bin/sh", "-c", script], options: null, Token);
        }

        Assert.True(result.IsSuccess, $"{script}: {result}: {result.StandardError.Text}{result.StandardOutput.Text}");
        return result.StandardOutput.Text;
    }

    /// <summary>Whether a script succeeds in a running container.</summary>
    public static async Task<bool> SucceedsInAsync(Container container, string script) =>
        (await container.ExecAsync(["/bin/sh", "-c", script], options: null, Token)).IsSuccess;

    private static string MakeRoot()
    {
        var root = Directory.CreateTempSubdirectory("containers-busybox-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(root, recursive: true);
        File.SetUnixFileMode(root, (UnixFileMode)0x1ED);
        foreach (var name in (ReadOnlySpan<string>)["bin", "etc", "tmp", "var", "proc", "sys", "dev"])
        {
            Directory.CreateDirectory(Path.Combine(root, name));
        }

        File.Copy(Busybox, root + "/bin/busybox");
        File.WriteAllText(root + "/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        using var list = Process.Start(new ProcessStartInfo(Busybox, "--list") { RedirectStandardOutput = true, UseShellExecute = false })!;
        foreach (var applet in list.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(static applet => applet != "busybox"))
        {
            File.CreateSymbolicLink($"{root}/bin/{applet}", "busybox");
        }

        list.WaitForExit();
        return root;
    }
}
