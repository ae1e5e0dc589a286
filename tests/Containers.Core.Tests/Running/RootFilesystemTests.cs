namespace Containers.Tests.Running;

/// <summary>Roots, mounts and files, as the job sees them and as the host finds them afterwards.</summary>
[Trait("Category", "Vm")]
public sealed class RootFilesystemTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("containers-mount-").FullName;

    public RootFilesystemTests() => File.SetUnixFileMode(_directory, (UnixFileMode)0x1FF);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task ADirectory_IsNeverChanged()
    {
        var before = Directory.GetFileSystemEntries(Job.BusyboxDirectory, "*", SearchOption.AllDirectories).Order().ToArray();
        var output = await Job.OutputOf(Job.InBusybox("echo new > /etc/passwd; rm /bin/ls; echo x > /file; mkdir -p /a/b; cat /etc/passwd /file"));

        Assert.Equal("new\nx\n", output);
        Assert.Equal(before, Directory.GetFileSystemEntries(Job.BusyboxDirectory, "*", SearchOption.AllDirectories).Order());
        Assert.Contains("ada", File.ReadAllText(Job.BusyboxDirectory + "/etc/passwd"), StringComparison.Ordinal);
        Assert.Contains("ada", await Job.OutputOf(Job.InBusybox("cat /etc/passwd")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AReadOnlyRoot_TakesNoFile()
    {
        var result = await Job.InBusybox("echo x > /file").WithReadOnlyRoot().RunAsync(Job.Token);

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("Read-only", result.StandardError.Text, StringComparison.Ordinal);
        Assert.Equal("ok\n", await Job.OutputOf(Job.InBusybox("echo ok > /tmp/f; cat /tmp/f").WithReadOnlyRoot().WithMount(Mount.Tmpfs("/tmp", 1.MB))));
    }

    [Fact]
    public async Task Users_ComeFromTheRootsOwnFiles()
    {
        const string Who = "echo $(id -u) $(id -g) $(id -G) $HOME";
        Assert.Equal("1000 1000 1000 50 /home/ada\n", await Job.OutputOf(Job.InBusybox(Who).WithUser("ada")));
        Assert.Equal("1000 50 50 /home/ada\n", await Job.OutputOf(Job.InBusybox(Who).WithUser("ada:staff")));
        Assert.Equal("7 8 8 /\n", await Job.OutputOf(Job.InBusybox(Who).WithUser(7, 8)));
        Assert.Equal("7 8 8 50 99 /\n", await Job.OutputOf(Job.InBusybox(Who).WithUser(7, 8).WithSupplementaryGroups("staff", "99")));
    }

    [Fact]
    public async Task AnOrdinaryUser_HasNoCapabilityAndCannotGetOne() => Assert.Matches(
        "CapPrm:\t0{16}\nCapEff:\t0{16}", await Job.OutputOf(Job.InBusybox("cat /proc/self/status").WithUser("ada")));

    [Fact]
    public async Task Binds_AreReadOnlyUnlessAskedFor()
    {
        File.WriteAllText(_directory + "/in", "given");
        var result = await Job.InBusybox("cat /data/in; echo x > /data/out").WithMount(Mount.Bind(_directory, "/data")).RunAsync(Job.Token);
        Assert.Equal("given", result.StandardOutput.Text);
        Assert.NotEqual(0, result.ExitCode);
        Assert.False(File.Exists(_directory + "/out"));

        await Job.OutputOf(Job.InBusybox("echo out > /data/out").WithMount(Mount.Bind(_directory, "/data", readOnly: false)));
        Assert.Equal("out\n", File.ReadAllText(_directory + "/out"));
        Assert.Equal("given", await Job.OutputOf(Job.InBusybox("cat /some/where/file").WithMount(Mount.Bind(_directory + "/in", "/some/where/file"))));
    }

    [Fact]
    public async Task OverlayMounts_KeepTheirSource()
    {
        File.WriteAllText(_directory + "/f", "old");
        Assert.Equal("new\n", await Job.OutputOf(Job.InBusybox("echo new > /data/f; cat /data/f").WithMount(Mount.Overlay(_directory, "/data"))));
        Assert.Equal("old", File.ReadAllText(_directory + "/f"));
    }

    [Fact]
    public async Task Files_HaveTheirModeAndOwner() => Assert.Equal(
        "640 5:6 hello\n", await Job.OutputOf(Job.InBusybox("stat -c '%a %u:%g' /opt/x/f | tr '\\n' ' '; cat /opt/x/f")
            .WithFile("/opt/x/f", "hello\n", (UnixFileMode)0x1A0, 5, 6)));

    [Fact]
    public async Task ALinkOutOfTheRoot_LeadsNowhere()
    {
        // What an image could prepare: mount targets and working directories that are links to the host.
        var root = Directory.CreateDirectory(_directory + "/root").FullName;
        CopyTree(Job.BusyboxDirectory, root);
        File.CreateSymbolicLink(root + "/data", "../../../../../../.." + _directory);
        File.WriteAllText(_directory + "/secret", "secret");
        var job = ContainerBuilder.FromDirectory(root).WithCommand("/bin/sh", "-c", "cat /data/secret");

        Assert.Equal("", (await job.RunAsync(Job.Token)).StandardOutput.Text);
        Assert.Equal("/data", (await Job.FailureOf(job.WithWorkingDirectory("/data"))).Path);
        Assert.Equal("/data", (await Job.FailureOf(job.WithFile("/data/planted", "planted"))).Path);
        Assert.Equal("/data", (await Job.FailureOf(job.WithMount(Mount.Bind("/etc", "/data/planted")))).Path);
        Assert.False(Path.Exists(_directory + "/planted"));
    }

    [Fact]
    public async Task TheHostsMountTable_NeverChanges()
    {
        await Job.OutputOf(Job.InBusybox("true"));
        var before = File.ReadAllLines("/proc/self/mountinfo");
        await using (await Job.InBusybox("sleep 30").WithMount(Mount.Bind(_directory, "/data")).StartAsync(Job.Token))
        {
            Assert.Equal(before, File.ReadAllLines("/proc/self/mountinfo"));
        }
    }

    [Fact]
    public async Task Sysctls_AreTheContainersOwn()
    {
        var before = File.ReadAllText("/proc/sys/net/ipv4/ip_forward");
        Assert.Equal("1\n", await Job.OutputOf(Job.InBusybox("cat /proc/sys/net/ipv4/ip_forward").WithSysctl("net.ipv4.ip_forward", "1")));
        Assert.Equal(before, File.ReadAllText("/proc/sys/net/ipv4/ip_forward"));
    }

    [Fact]
    public async Task Ulimits_AreSet()
    {
        Assert.Equal("77\n99\n", await Job.OutputOf(Job.InBusybox("ulimit -Sn; ulimit -Hn").WithUlimit("nofile", 77, 99)));

        // Limits that the set-up itself would not get by with.
        Assert.Equal("5\n0\n", await Job.OutputOf(Job.InBusybox("ulimit -Hn; ulimit -Hf").WithUlimit("nofile", 5).WithUlimit("fsize", 0).WithFile("/etc/x", "x")));
        Assert.Equal("1024\n", await Job.OutputOf(Job.InBusybox("ulimit -Sn")));
    }

    [Fact]
    public async Task OomScore_IsSet() =>
        Assert.Equal("700\n", await Job.OutputOf(Job.InBusybox("cat /proc/self/oom_score_adj").WithOomScoreAdjustment(700)));

    [Fact]
    public async Task ADevice_IsThereAndNoOther()
    {
        const string Device = "/dev/ttyS0";
        Assert.SkipUnless(File.Exists(Device), $"there is no {Device}");
        Assert.Equal("opened\n", await Job.OutputOf(Job.InBusybox($": < {Device} && echo opened").WithDevice(Device)));
        var absent = await Job.InBusybox($": < {Device}").RunAsync(Job.Token);
        Assert.NotEqual(0, absent.ExitCode);
    }

    [Fact]
    public async Task TheFallbackForAnInitramfs_IsNotUsedWhereTheRootCanBePivotedFrom() => Assert.Equal(
        "1\n", await Job.OutputOf(Job.InBusybox("cut -d ' ' -f 5 /proc/1/mountinfo | grep -c '^/$'").WithMoveMountRoot()));

    [Fact]
    public async Task AnInit_ReapsWhatTheJobLeaves() => Assert.Equal(
        "0\n", await Job.OutputOf(Job.InBusybox("for i in 1 2 3 4 5; do (sleep 0.01 &) ; done; sleep 0.5; ps -o stat | grep -c Z || :").WithInit()));

    private static void CopyTree(string from, string to)
    {
        foreach (var directory in Directory.GetDirectories(from))
        {
            CopyTree(directory, Directory.CreateDirectory(Path.Combine(to, Path.GetFileName(directory))).FullName);
        }

        foreach (var file in new DirectoryInfo(from).GetFiles())
        {
            if (file.LinkTarget is { } target)
            {
                File.CreateSymbolicLink(Path.Combine(to, file.Name), target);
            }
            else
            {
                file.CopyTo(Path.Combine(to, file.Name));
            }
        }
    }
}
