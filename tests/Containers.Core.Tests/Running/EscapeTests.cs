using Containers.Interop;

namespace Containers.Tests.Running;

/// <summary>Roots and options that let containers out of other engines; the numbers are the published cases.</summary>
[Trait("Category", "Vm")]
public sealed class EscapeTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("containers-escape-").FullName;
    private readonly string _root;

    public EscapeTests()
    {
        File.SetUnixFileMode(_directory, (UnixFileMode)0x1FF);
        File.WriteAllText(_directory + "/canary", "untouched");
        _root = Directory.CreateDirectory(_directory + "/root").FullName;
        Directory.CreateDirectory(_root + "/bin");
        File.Copy(Job.BusyboxDirectory + "/bin/busybox", _root + "/bin/busybox");
        File.CreateSymbolicLink(_root + "/bin/sh", "busybox");
    }

    public void Dispose()
    {
        Assert.Equal("untouched", File.ReadAllText(_directory + "/canary"));
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>CVE-2024-21626: a working directory that is a descriptor of the host.</summary>
    [Theory]
    [InlineData("/proc/self/fd/3")]
    [InlineData("/proc/self/fd/5")]
    [InlineData("/proc/self/fd/8")]
    [InlineData("/proc/1/root")]
    public async Task AWorkingDirectoryThroughProc_StaysInside(string path)
    {
        ContainerResult result;
        try
        {
            result = await Evil("pwd; ls -d canary root ../canary ../../canary").WithWorkingDirectory(path).RunAsync(Job.Token);
        }
        catch (ContainerException e)
        {
            Assert.Equal(path, e.Path);
            return;
        }

        Assert.DoesNotContain("canary", result.StandardOutput.Text, StringComparison.Ordinal);
    }

    /// <summary>CVE-2019-5736: the engine's own binary, written through /proc/self/exe or the init's.</summary>
    [Fact]
    public async Task TheLauncher_CannotBeWrittenOrRead()
    {
        var result = await Evil("for p in /proc/1/exe /proc/1/mem /proc/1/fd /proc/1/map_files; do cat $p > /dev/null && echo read $p; echo x >> $p && echo wrote $p; done; :")
            .WithInit().RunAsync(Job.Token);

        Assert.Equal("", result.StandardOutput.Text);
        var again = await Evil("true").WithEntrypoint("/proc/self/exe").RunAsync(Job.Token);
        Assert.NotEqual(0, again.ExitCode);
        Assert.Equal("fine\n", await Job.OutputOf(Evil("echo fine")));
    }

    /// <summary>CVE-2021-30465, CVE-2024-45310, CVE-2025-31133, CVE-2025-52565, CVE-2026-41579: links where the engine mounts or writes.</summary>
    [Theory]
    [InlineData("proc")]
    [InlineData("sys")]
    [InlineData("dev")]
    [InlineData("etc")]
    public async Task ALinkInPlaceOfADirectoryOfTheEngine_LeadsNowhere(string name)
    {
        Directory.CreateDirectory(_directory + "/outside");
        File.CreateSymbolicLink($"{_root}/{name}", "../../../../../../../.." + _directory + "/outside");

        await Record.ExceptionAsync(() => Evil("true").RunAsync(Job.Token));

        Assert.Empty(Directory.GetFileSystemEntries(_directory + "/outside"));
    }

    [Theory]
    [InlineData("etc/hosts")]
    [InlineData("etc/resolv.conf")]
    [InlineData("etc/hostname")]
    public async Task ALinkInPlaceOfAFileOfTheEngine_IsNotWrittenThrough(string name)
    {
        Directory.CreateDirectory(_root + "/etc");
        File.CreateSymbolicLink($"{_root}/{name}", "../../../../../../../.." + _directory + "/canary");

        await Record.ExceptionAsync(() => Evil("true").RunAsync(Job.Token));
    }

    /// <summary>What is read of a root before anything is confined must not wait, and must not leave the root.</summary>
    [Fact]
    public async Task AccountsThatAreNoFiles_AreRefusedAtOnce()
    {
        Directory.CreateDirectory(_root + "/etc");
        Assert.Equal(0, MakeFifo(_root + "/etc/passwd"));
        Assert.Equal("/etc/passwd", (await Job.FailureOf(Evil("true").WithUser("ada"))).Path);

        File.Delete(_root + "/etc/passwd");
        File.CreateSymbolicLink(_root + "/etc/passwd", "/dev/zero");
        await Job.FailureOf(Evil("true").WithUser("ada"));
    }

    [Fact]
    public async Task MaskedPaths_CannotBeUncovered()
    {
        var result = await Evil("umount /proc/kcore; umount -l /proc/sys; umount /proc; mount -t proc none /tmp; mount -o remount,rw /proc/sys; " +
            "echo x > /proc/sys/kernel/core_pattern && echo wrote; head -c 1 /proc/kcore | wc -c").RunAsync(Job.Token);

        Assert.Equal("0\n", result.StandardOutput.Text);
    }

    [Fact]
    public async Task NeitherDevicesNorNamespacesOfTheHost_AreInReach()
    {
        var result = await Evil("mkdir -p /x; mknod /x/sda b 8 0 && head -c 1 /x/sda && echo disk; nsenter -t 1 -m -- /bin/sh -c 'ls /root' && echo entered; " +
            "mount -t cgroup -o memory cgroup /x && echo release_agent; chroot /proc/1/root /bin/sh -c 'ls canary' && echo out; :").RunAsync(Job.Token);

        Assert.DoesNotMatch("disk|release_agent|canary", result.StandardOutput.Text);
    }

    private ContainerBuilder Evil(string script) =>
        ContainerBuilder.FromDirectory(_root).WithCommand("/bin/busybox", "sh", "-c", "export PATH=/bin; for a in ls cat pwd head wc umount mount mkdir mknod nsenter chroot; do alias $a=\"busybox $a\"; done 2> /dev/null\n" + script)
            .WithTimeout(TimeSpan.FromSeconds(20));

    private static int MakeFifo(string path)
    {
        using var process = System.Diagnostics.Process.Start("/bin/busybox", ["mkfifo", path]);
        process.WaitForExit();
        return process.ExitCode;
    }
}
