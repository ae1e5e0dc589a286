using System.Globalization;
using System.Text.RegularExpressions;

namespace Containers.Tests.Running;

/// <summary>What a job sees of itself and does not see of the host.</summary>
[Trait("Category", "Vm")]
[Trait("Category", "Rootless")]
public sealed partial class NamespaceTests
{
    [Theory]
    [InlineData("mnt")]
    [InlineData("uts")]
    [InlineData("ipc")]
    [InlineData("net")]
    [InlineData("pid")]
    [InlineData("cgroup")]
    [InlineData("time")]
    public async Task EachNamespace_IsTheContainersOwn(string name)
    {
        var inside = await Job.OutputOf(Job.Shell($"readlink /proc/self/ns/{name}"));

        Assert.StartsWith(name + ":[", inside, StringComparison.Ordinal);
        Assert.NotEqual(new FileInfo("/proc/self/ns/" + name).LinkTarget, inside.Trim());
    }

    [Fact]
    public async Task Processes_AreTheContainersOwn()
    {
        Assert.Equal("1\n", await Job.OutputOf(Job.Shell("echo $$")));
        Assert.Equal("1 2\n", await Job.OutputOf(Job.Shell("cd /proc; ls -d [0-9]* | xargs | cut -d ' ' -f 1-2")));
        Assert.Equal("2\n", await Job.OutputOf(Job.Shell("echo $$").WithInit()));
    }

    [Fact]
    public async Task HostName_IsTheContainersOwn()
    {
        Assert.Equal("judge\nexample.org\njudge\n", await Job.OutputOf(
            Job.Shell("uname -n; cat /proc/sys/kernel/domainname; echo $HOSTNAME").WithHostname("judge").WithDomainName("example.org")));
        Assert.Equal(12, (await Job.OutputOf(Job.Shell("uname -n"))).Trim().Length);
    }

    [Fact]
    public async Task HostFiles_NameTheContainer()
    {
        var output = await Job.OutputOf(Job.Shell("cat /etc/hostname /etc/hosts /etc/resolv.conf").WithHostname("judge"));

        Assert.StartsWith("judge\n", output, StringComparison.Ordinal);
        Assert.Contains("127.0.0.1", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Network_IsLoopbackAndNothingElse()
    {
        var lines = (await Job.OutputOf(Job.Shell("tail -n +3 /proc/net/dev"))).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("lo:", Assert.Single(lines).Trim(), StringComparison.Ordinal);
        // IFF_UP
        Assert.Equal(1, Convert.ToInt32((await Job.OutputOf(Job.Shell("cat /sys/class/net/lo/flags"))).Trim(), 16) & 1);
    }

    [Fact]
    public async Task HostNetwork_IsSharedWhereAskedFor() => Assert.Equal(
        new FileInfo("/proc/self/ns/net").LinkTarget,
        (await Job.OutputOf(Job.Shell("readlink /proc/self/ns/net").WithNamespace(NamespaceKind.Network, NamespaceMode.Host))).Trim());

    [Fact]
    public async Task TheCgroupNamespace_HidesWhereTheContainerIs() =>
        Assert.All((await Job.OutputOf(Job.Shell("cat /proc/self/cgroup"))).Split('\n', StringSplitOptions.RemoveEmptyEntries),
            static line => Assert.EndsWith(":/", line, StringComparison.Ordinal));

    [Fact]
    public async Task Mounts_ShowNothingOfTheHostBesidesItsPrograms()
    {
        var points = (await Job.OutputOf(Job.Shell("cut -d ' ' -f 5 /proc/self/mountinfo"))).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.All(points, static point => Assert.Matches(ExpectedMount(), point));
        Assert.Single(points, static point => point == "/");
    }

    [Fact]
    public async Task NoDescriptorOfTheHost_ReachesTheJob() =>
        Assert.Equal("0 1 2 3\n", await Job.OutputOf(Job.Shell("ls /proc/self/fd | xargs"))); // 3 is the directory that ls reads

    [Fact]
    public async Task NoVariableOfTheHost_ReachesTheJob()
    {
        var names = (await Job.OutputOf(Job.Shell("exec env").WithEnvironment("A", "b c"))).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => line.Split('=')[0]).Where(static name => name is not ("PWD" or "SHLVL" or "_" or "OLDPWD")).Order();

        Assert.Equal(["A", "HOME", "HOSTNAME", "PATH"], names);
    }

    [Fact]
    public async Task Privileges_AreTheDefaultsAndNoMore()
    {
        var status = await Job.OutputOf(Job.Shell("cat /proc/self/status"));

        // The default set: chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service sys_chroot setfcap
        const string Default = "00000000800405fb";
        Assert.Matches($"CapPrm:\t{Default}", status);
        Assert.Matches($"CapEff:\t{Default}", status);
        Assert.Matches($"CapBnd:\t{Default}", status);
        Assert.Matches("CapInh:\t0{16}", status);
        Assert.Matches("CapAmb:\t0{16}", status);
        Assert.Matches("NoNewPrivs:\t1", status);
        Assert.Matches("SigIgn:\t0{16}", status);
        Assert.Matches("SigBlk:\t0{16}", status);
        Assert.Matches("Umask:\t0022", status);
    }

    [Fact]
    public async Task TheKernelsFiles_AreMaskedOrReadOnly()
    {
        Assert.Equal("", await Job.OutputOf(Job.Shell("cat /proc/kcore /proc/keys /proc/timer_list 2> /dev/null; ls /sys/firmware; ls /proc/scsi 2> /dev/null || :")));
        foreach (var path in (string[])["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper", "/proc/sys/kernel/hostname"])
        {
            var result = await Job.Shell($"echo x > {path}").RunAsync(Job.Token);
            Assert.NotEqual(0, result.ExitCode);
        }
    }

    [Fact]
    public async Task Devices_AreThoseEveryProgramExpects()
    {
        Assert.Equal("core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero\n", await Job.OutputOf(Job.Shell("ls /dev | xargs")));
        Assert.Equal("8\n", await Job.OutputOf(Job.Shell("head -c 8 /dev/urandom | wc -c; echo discarded > /dev/null")));
    }

    [Fact]
    public async Task JoinedNamespaces_AreThoseOfTheOtherContainer()
    {
        await using var owner = await Job.Shell("sleep 30").WithHostname("owner").StartAsync(Job.Token);
        var job = Job.Shell("uname -n; readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; kill -0 1 && echo sees")
            .WithNamespace(NamespaceKind.Uts, owner).WithNamespace(NamespaceKind.Network, owner)
            .WithNamespace(NamespaceKind.Ipc, owner).WithNamespace(NamespaceKind.Pid, owner);
        var mine = await owner.ExecAsync("/bin/sh", "-c", "uname -n; readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; echo sees");

        Assert.Equal(mine.StandardOutput.Text, await Job.OutputOf(job));
    }

    [Fact]
    public async Task AJoinedPidNamespace_IsLeftAsItWas()
    {
        await using var owner = await Job.Shell("sleep 30").StartAsync(Job.Token);
        var result = await Job.Shell("sleep 30 & exit 0").WithNamespace(NamespaceKind.Pid, owner).RunAsync(Job.Token);

        Assert.Equal(Outcome.Exited, result.Outcome);
        Assert.True(owner.IsRunning);
    }

    [Fact]
    public async Task Users_AreMapped()
    {
        var map = (await Job.OutputOf(Job.Shell("cat /proc/self/uid_map"))).Split(' ', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal("0", map[0]);
        Assert.Equal(Environment.IsPrivilegedProcess ? "65536" : "1", map[2].Trim());
        Assert.Equal(0, int.Parse((await Job.OutputOf(Job.Shell("id -u"))).Trim(), CultureInfo.InvariantCulture));
    }

    [GeneratedRegex("^(/|/usr|/s?bin|/lib(32|64|x32)?|/etc/.*|/proc(/.*)?|/sys(/.*)?|/dev(/.*)?)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ExpectedMount();
}
