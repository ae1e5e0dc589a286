namespace Containers.Tests.Running;

/// <summary>The host's static busybox with links for what the tests run, and two accounts.</summary>
internal static class BusyboxRoot
{
    public const string Busybox = "/bin/busybox";

    private static readonly string[] Applets =
    [
        "sh", "cat", "echo", "env", "id", "ls", "pwd", "sleep", "stat", "touch", "mkdir", "rm", "rmdir", "chmod", "chown", "mv", "ln", "find", "test", "kill", "readlink", "seq", "true", "awk",
        "sha256sum",
    ];

    public static void Make(string root)
    {
        foreach (var name in (ReadOnlySpan<string>)["bin", "etc", "tmp", "var", "home", "home/ada"])
        {
            Directory.CreateDirectory(Path.Combine(root, name));
        }

        File.SetUnixFileMode(root + "/tmp", (UnixFileMode)0x3FF);
        File.Copy(Busybox, root + "/bin/busybox");
        File.SetUnixFileMode(root + "/bin/busybox", (UnixFileMode)0x1ED);
        File.WriteAllText(root + "/etc/passwd", "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n");
        File.WriteAllText(root + "/etc/group", "root:x:0:\nada:x:1000:\nstaff:x:50:ada\n");
        foreach (var applet in Applets)
        {
            File.CreateSymbolicLink($"{root}/bin/{applet}", "busybox");
        }
    }
}
