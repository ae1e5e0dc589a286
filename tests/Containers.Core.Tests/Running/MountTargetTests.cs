namespace Containers.Tests.Running;

/// <summary>CVE-2021-30465 and its kin: whatever stands where something is mounted, it is mounted inside the root or not at all.</summary>
[Trait("Category", "Vm")]
public sealed class MountTargetTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("containers-targets-").FullName;
    private readonly string _root;
    private readonly string _outside;

    public MountTargetTests()
    {
        File.SetUnixFileMode(_directory, (UnixFileMode)0x1FF);
        _outside = Directory.CreateDirectory(_directory + "/outside").FullName;
        File.WriteAllText(_outside + "/canary", "untouched");
        _root = Directory.CreateDirectory(_directory + "/root").FullName;
        Directory.CreateDirectory(_root + "/bin");
        File.Copy(Job.BusyboxDirectory + "/bin/busybox", _root + "/bin/busybox");
    }

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (var target in (string[])["proc", "sys", "dev", "dev/pts", "dev/shm", "dev/mqueue", "dev/null", "dev/console", "etc/hosts", "etc/hostname", "etc/resolv.conf", "mine", "mine/below"])
            {
                foreach (var kind in (string[])["absolute", "relative", "climbing", "dangling", "loop", "proc", "fifo", "socket", "file", "directory"])
                {
                    cases.Add(target, kind);
                }
            }

            return cases;
        }
    }

    public void Dispose()
    {
        Assert.Equal("untouched", File.ReadAllText(_outside + "/canary"));
        Assert.Equal([_outside + "/canary"], Directory.GetFileSystemEntries(_outside));
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task WhateverStandsThere_NothingLeavesTheRoot(string target, string kind)
    {
        Place(_root + "/" + target, kind);
        var mounts = await File.ReadAllLinesAsync("/proc/self/mountinfo", Job.Token);
        var job = ContainerBuilder.FromDirectory(_root).WithCommand("/bin/busybox", "cut", "-d", " ", "-f", "4,5,8-", "/proc/self/mountinfo")
            .WithMount(Mount.Tmpfs("/mine/below", 1.MB)).WithFile("/mine/file", "x").WithTimeout(TimeSpan.FromSeconds(20));
        try
        {
            var result = await job.RunAsync(Job.Token);

            // What the kernel says of the container's mounts: /proc is a procfs, /dev a tmpfs, and nothing of the directory outside is there.
            Assert.True(result.IsSuccess, $"{result}: {result.StandardError.Text}");
            Assert.DoesNotContain("outside", result.StandardOutput.Text, StringComparison.Ordinal);
            Assert.Matches("(?m)^/ /proc proc ", result.StandardOutput.Text);
            Assert.Matches("(?m)^/ /dev tmpfs ", result.StandardOutput.Text);
        }
        catch (ContainerException refused)
        {
            // A directory is what belongs there, or what a file of the engine's is not put over.
            Assert.True(kind != "directory" || target is "dev/null" or "dev/console" || target.StartsWith("etc/", StringComparison.Ordinal), refused.Message);
            Assert.NotNull(refused.Path);
        }

        Assert.Equal(mounts, await File.ReadAllLinesAsync("/proc/self/mountinfo", Job.Token));
    }

    private void Place(string path, string kind)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var link = kind switch
        {
            "absolute" => _outside,
            "relative" => Path.GetRelativePath(Path.GetDirectoryName(path)!, _outside),
            "climbing" => "../../../../../../../../../.." + _outside,
            "dangling" => "/no/such/place",
            "loop" => Path.GetFileName(path),
            "proc" => "/proc/self/root" + _outside,
            _ => null,
        };
        if (link is not null)
        {
            File.CreateSymbolicLink(path, link);
        }
        else if (kind == "file")
        {
            File.WriteAllText(path, "a file");
        }
        else if (kind == "directory")
        {
            Directory.CreateDirectory(path + "/inner");
        }
        else if (kind == "socket")
        {
            using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
            socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
        }
        else
        {
            using var fifo = System.Diagnostics.Process.Start("/bin/busybox", ["mkfifo", path]);
            fifo.WaitForExit();
        }
    }
}
