namespace Containers.Benchmarks.Fixtures;

/// <summary>The one root directory every contender runs in, and the working directory around it; deleted at the end.</summary>
internal sealed class BusyboxRoot : IDisposable
{
    private const string Busybox = "/usr/bin/busybox";

    public BusyboxRoot(string parent)
    {
        if (!File.Exists(Busybox))
        {
            throw new BenchmarkException($"{Busybox}: missing; install busybox-static");
        }

        Directory = System.IO.Directory.CreateDirectory(
            System.IO.Path.Combine(parent, $"containers-benchmark-{Environment.ProcessId}")).FullName;
        Path = SubDirectory("root");
        foreach (string name in (string[])["bin", "dev", "etc", "proc", "root", "run", "sys", "tmp"])
        {
            System.IO.Directory.CreateDirectory(System.IO.Path.Combine(Path, name));
        }

        string program = System.IO.Path.Combine(Path, "bin", "busybox");
        File.Copy(Busybox, program);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        foreach (string applet in (string[])["sh", "sleep", "true"])
        {
            File.CreateSymbolicLink(System.IO.Path.Combine(Path, "bin", applet), "busybox");
        }

        File.WriteAllText(System.IO.Path.Combine(Path, "etc", "passwd"), "root:x:0:0:root:/root:/bin/sh\n");
        File.WriteAllText(System.IO.Path.Combine(Path, "etc", "group"), "root:x:0:\n");
    }

    /// <summary>Where everything of this benchmark lies.</summary>
    public string Directory { get; }

    /// <summary>The root tree.</summary>
    public string Path { get; }

    public string SubDirectory(string name) => System.IO.Directory.CreateDirectory(System.IO.Path.Combine(Directory, name)).FullName;

    public void Dispose()
    {
        if (System.IO.Directory.Exists(Directory))
        {
            System.IO.Directory.Delete(Directory, recursive: true);
        }
    }
}
