using System.Globalization;

namespace Containers.Tests.Running;

/// <summary>Whose ids a container's are, seen from inside and from the host.</summary>
[Trait("Category", "Vm")]
public sealed class UserNamespaceTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("containers-ids-").FullName;

    public UserNamespaceTests() => File.SetUnixFileMode(_directory, (UnixFileMode)0x1FF);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task EachContainer_HasIdsThatNoOtherHas()
    {
        await using var one = await Job.Shell("sleep 30").StartAsync(Job.Token);
        await using var other = await Job.Shell("sleep 30").StartAsync(Job.Token);
        var ids = new[] { one, other }.Select(static container => HostIdOf(container.ProcessId!.Value)).ToArray();

        Assert.NotEqual(ids[0], ids[1]);
        Assert.All(ids, static id => Assert.InRange(id, 0x80000u, 0x6FFEFFFFu));
        Assert.Equal("0\n", (await one.ExecAsync("/bin/sh", "-c", "id -u")).StandardOutput.Text);
        Assert.NotEqual((await one.ExecAsync("readlink", "/proc/self/ns/user")).StandardOutput.Text, (await other.ExecAsync("readlink", "/proc/self/ns/user")).StandardOutput.Text);
    }

    /// <summary>Engines of other processes too: what decides is a lock that the kernel keeps.</summary>
    [Fact]
    public async Task EnginesOfOneHost_HaveNoIdInCommon()
    {
        const uint IdsOfABlock = 64 * 65536;
        await using var one = new ContainerEngine();
        await using var other = new ContainerEngine();
        await using var first = await one.StartAsync(Job.Shell("sleep 30"), Job.Token);
        await using var second = await other.StartAsync(Job.Shell("sleep 30"), Job.Token);

        Assert.NotEqual(
            (HostIdOf(first.ProcessId!.Value) - 0x80000) / IdsOfABlock,
            (HostIdOf(second.ProcessId!.Value) - 0x80000) / IdsOfABlock);
    }

    [Fact]
    public async Task FilesOfMounts_KeepTheirOwners()
    {
        File.WriteAllText(_directory + "/roots", "x");
        File.WriteAllText(_directory + "/adas", "x");
        using (var chown = System.Diagnostics.Process.Start("chown", ["1000:1000", _directory + "/adas"]))
        {
            await chown.WaitForExitAsync(Job.Token);
        }

        var job = Job.Shell("stat -c '%u:%g' /data/roots /data/adas; touch /data/made; chown 7:7 /data/made").WithMount(Mount.Bind(_directory, "/data", readOnly: false));
        Assert.Equal("0:0\n1000:1000\n", await Job.OutputOf(job));
        Assert.Equal("7:7", OwnerOf(_directory + "/made"));
    }

    [Fact]
    public async Task FilesOfTheRoot_KeepTheirOwners_AndAreNeverChanged()
    {
        Assert.Equal("0:0\n", await Job.OutputOf(Job.InBusybox("stat -c '%u:%g' /bin/busybox; chown 5:5 /bin/busybox; echo x >> /etc/passwd")));
        Assert.Equal("0:0", OwnerOf(Job.BusyboxDirectory + "/bin/busybox"));
    }

    [Fact]
    public async Task TheHostsIds_AreUsedWhereAskedFor()
    {
        Assert.Equal("4294967295", (await Job.OutputOf(Job.Shell("awk '{print $3}' /proc/self/uid_map || cut -c 23- /proc/self/uid_map").WithUserNamespace(UserNamespace.Host))).Trim());
        Assert.Equal(new FileInfo("/proc/self/ns/user").LinkTarget, (await Job.OutputOf(Job.Shell("readlink /proc/self/ns/user").WithNamespace(NamespaceKind.User, NamespaceMode.Host))).Trim());
    }

    [Fact]
    public async Task ARange_IsWhatTheContainerGets()
    {
        var map = await Job.OutputOf(Job.Shell("cat /proc/self/uid_map /proc/self/gid_map").WithUserNamespace(UserNamespace.Range(3_000_000_000, 2000)));
        Assert.Equal(["0", "3000000000", "2000", "0", "3000000000", "2000"], map.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
        var refused = await Job.FailureOf(Job.Shell("id").WithUserNamespace(UserNamespace.Range(3_000_000_000, 2000)).WithUser("5000"));
        Assert.Contains("0 to 1999", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ARangeThatCannotBe_IsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => UserNamespace.Range(0, 10));
        Assert.Throws<ArgumentOutOfRangeException>(() => UserNamespace.Range(10, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => UserNamespace.Range(uint.MaxValue - 5, 10));
    }

    [Fact]
    public async Task AUserNamespace_CanBeSharedWithAnotherContainer()
    {
        await using var owner = await Job.Shell("sleep 30").StartAsync(Job.Token);
        var theirs = (await owner.ExecAsync("readlink", "/proc/self/ns/user")).StandardOutput.Text;

        Assert.Equal(theirs, await Job.OutputOf(Job.Shell("readlink /proc/self/ns/user").WithNamespace(NamespaceKind.User, owner)));
        Assert.Equal(theirs, await Job.OutputOf(Job.Shell("readlink /proc/self/ns/user").WithNamespace(NamespaceKind.Network, owner)));
    }

    /// <summary>A running container lets go of the namespace's descriptor; what its mounts lead back to serves the next one.</summary>
    [Fact]
    public async Task ANamespaceInWhichNothingCanBeLeft_ServesTheNextContainer()
    {
        await using var engine = new ContainerEngine();
        var used = new List<string>();
        foreach (var job in (ContainerBuilder[])[Job.Shell("sleep 30"), Job.Shell("sleep 30"), Job.Shell("sleep 30").WithSeccomp(SeccompProfile.Default.Allow("add_key")), Job.Shell("sleep 30")])
        {
            await using var container = await engine.StartAsync(job, Job.Token);
            used.Add((await container.ExecAsync("readlink", "/proc/self/ns/user")).StandardOutput.Text);
        }

        Assert.Equal(used[0], used[1]);
        Assert.Equal(used[1], used[2]);
        Assert.NotEqual(used[2], used[3]); // keys may have been left there
    }

    /// <summary>As inside another container: where parts of /proc are covered, no user namespace gets one of its own.</summary>
    [Fact]
    public async Task WhereNoUserNamespaceCanBeSetUp_TheDefaultSaysSoAndAdapts()
    {
        var state = Directory.CreateTempSubdirectory("containers-covered-");
        using var host = DyingHost.Start("unshare", "--mount", "sh", "-c", "mount -t tmpfs none /proc/fs && exec \"$0\" \"$@\"", DyingHost.Program, state.FullName, "ids");

        Assert.Equal("4294967295 explained", await host.ReadLineAsync());
        Assert.Contains("EPERM", await host.ReadLineAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RootInside_IsNobodyOutside()
    {
        File.WriteAllText(_directory + "/secret", "x");
        File.SetUnixFileMode(_directory + "/secret", UnixFileMode.UserRead);
        await using var container = await Job.Shell("sleep 30").StartAsync(Job.Token);

        // A descriptor of the host's file system that leaks by a defect would be of no use: the ids do not match.
        var result = await container.ExecAsync("/bin/sh", "-c", $"cat /proc/1/root{_directory}/secret; echo x > /proc/sys/kernel/hostname && echo wrote; kill -9 -1; :");
        Assert.DoesNotContain("wrote", result.StandardOutput.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFileSystemThatCannotBeMapped_IsRefusedWhereTheNamespaceIsRequired()
    {
        var job = Job.Shell("true").WithMount(Mount.Bind("/proc/self", "/data"));
        var refused = await Job.FailureOf(job.WithUserNamespace(UserNamespace.Private));

        Assert.Contains("/proc/self", refused.Message, StringComparison.Ordinal);
        Assert.Contains("UserNamespace.Host", refused.Message, StringComparison.Ordinal);
        Assert.True((await job.RunAsync(Job.Token)).IsSuccess);
    }

    [Fact]
    public async Task OneProcess_IsEnough() =>
        Assert.True((await Job.Shell("exec true").WithMaxProcesses(1).RunAsync(Job.Token)).IsSuccess);

    [Fact]
    public async Task StreamsCanBeOpenedAnew_ByRootAndByOthers()
    {
        Assert.Equal("hi\n", await Job.OutputOf(Job.Shell("echo hi > /dev/stdout")));
        Assert.Equal("hi\n", await Job.OutputOf(Job.Shell("echo hi > /dev/stdout").WithUser("1000:1000")));
        Assert.Equal("in", await Job.OutputOf(Job.Shell("cat /dev/stdin").WithUser("1000:1000").WithStandardInput("in")));
        Assert.Equal("hi\n", await Job.OutputOf(Job.Shell("echo hi > /dev/stdout").WithUser("1000:1000").WithUserNamespace(UserNamespace.Host)));
    }

    private static uint HostIdOf(int pid) => uint.Parse(
        File.ReadLines($"/proc/{pid}/status").First(static line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1], CultureInfo.InvariantCulture);

    private static string OwnerOf(string path)
    {
        using var stat = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("stat", ["-c", "%u:%g", path]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        return stat.StandardOutput.ReadToEnd().Trim();
    }
}
