using System.Diagnostics;

namespace Containers.Security.Tests;

/// <summary>Directories of the host that a container was given, and what is mounted in it.</summary>
[Collection(WholeHost.Name)]
public sealed class VolumeTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("containers-volume-").FullName;

    public VolumeTests() => File.SetUnixFileMode(_directory, (UnixFileMode)0x1FF);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    /// <summary>A mount below a read-only bind is read-only too, and stays so.</summary>
    [Fact]
    public async Task WhatIsMountedBelowAReadOnlyBind_IsReadOnlyToo()
    {
        var nested = Directory.CreateDirectory(_directory + "/nested").FullName;
        await RunAsync("mount", "-t", "tmpfs", "-o", "mode=777", "x", nested);
        try
        {
            File.WriteAllText(nested + "/file", "as it was");
            const string Script = "cd /data/nested; echo x > file; echo x > new; chmod 0 file; touch -t 200001010000 file; mv file other; rm file; mkdir d; ln -s x y; mount -o remount,rw,bind /data/nested; mount -o remount,rw,bind /data; mount -o remount,rw /data/nested; echo x > file; umount /data/nested; ls /data; cat file";
            foreach (var job in (ContainerBuilder[])[Job.InBusybox(Script), Job.InBusybox(Script).WithUserNamespace(UserNamespace.Host)])
            {
                var result = await job.WithMount(Mount.Bind(_directory, "/data")).RunAsync(Job.Token);
                Assert.Equal("nested\nas it was", result.StandardOutput.Text);
            }

            Assert.Equal("as it was", File.ReadAllText(nested + "/file"));
            Assert.Equal(["file"], Directory.GetFileSystemEntries(nested).Select(Path.GetFileName));
        }
        finally
        {
            await RunAsync("umount", nested);
        }
    }

    [Fact]
    public async Task ASetUserIdProgramInAVolume_GivesNothingInside()
    {
        await Job.OutputOf(Job.InBusybox("cp /bin/busybox /data/id; chmod 6755 /data/id").WithMount(Mount.Bind(_directory, "/data", readOnly: false)));
        var security = SecurityProfile.Default with { NoNewPrivileges = false };
        var job = Job.InBusybox("/data/id -u").WithMount(Mount.Bind(_directory, "/data")).WithUser("1000:1000");
        Assert.Equal("1000\n", await Job.OutputOf(job.WithSecurity(security)));
        Assert.Equal("1000\n", await Job.OutputOf(job));
    }

    /// <summary>Where an engine keeps what it has, nobody but its user can go.</summary>
    [Fact]
    public async Task TheEnginesDirectories_AreItsOwn()
    {
        var state = Path.Combine(_directory, "state");
        await using var engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = state });
        await using var container = await engine.StartAsync(Job.InBusybox("cp /bin/busybox /tmp/x; chmod 6755 /tmp/x; exec sleep 30"), Job.Token);
        Assert.NotEmpty(Directory.GetDirectories(state));
        Assert.All(Directory.GetDirectories(state), static path => Assert.Equal((UnixFileMode)0x1C0, File.GetUnixFileMode(path)));
    }

    /// <summary>The source is what it was when it was opened, whatever takes its place.</summary>
    [Fact]
    public async Task ASourceThatIsExchangedForALink_IsMountedAsItWasOrRefused()
    {
        using var canary = new Attack.Canary();
        var source = Directory.CreateDirectory(_directory + "/source").FullName;
        File.WriteAllText(source + "/mine", "");
        File.CreateSymbolicLink(_directory + "/link", canary.Directory);
        using var swapper = Process.Start(Attack.Program, ["swap", source, _directory + "/link"]);
        try
        {
            var seen = new HashSet<string>();
            for (var i = 0; i < Attack.Rounds(60, 3000); i++)
            {
                try
                {
                    seen.Add(await Job.OutputOf(Job.InBusybox("ls /data; echo x > /data/mine 2> /dev/null; :").WithMount(Mount.Bind(source, "/data"))));
                }
                catch (ContainerException refused)
                {
                    Assert.NotNull(refused.Path);
                }
            }

            // The caller named a path; what is there at the time is what it means. Nothing else is seen, and nothing is written.
            Assert.Subset(new HashSet<string> { "mine\n", "canary\n" }, seen);
        }
        finally
        {
            swapper.Kill();
            await swapper.WaitForExitAsync(CancellationToken.None);
        }
    }

    [Fact]
    public async Task EveryTmpfs_HasASizeAndANumberOfInodes()
    {
        var job = Job.InBusybox("grep ' - tmpfs ' /proc/self/mountinfo").WithMount(Mount.Tmpfs("/mine", 1.MB));
        foreach (var each in (ContainerBuilder[])[job, job.WithSecurity(SecurityProfile.Untrusted), Job.Shell("grep ' - tmpfs ' /proc/self/mountinfo")])
        {
            var lines = (await Job.OutputOf(each)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.NotEmpty(lines);
            Assert.All(lines, static line => Assert.Matches("size=[0-9]+k.*nr_inodes=[0-9]+", line));
        }

        Assert.Equal("full\nfull\n", await Job.OutputOf(Job.InBusybox(
            "dd if=/dev/zero of=/mine/x bs=64k 2> /dev/null || echo full; rm /mine/x; i=0; while touch /mine/$i 2> /dev/null; do i=$((i + 1)); [ $i -gt 20000 ] && break; done; [ $i -lt 20000 ] && echo full")
            .WithMount(Mount.Tmpfs("/mine", 1.MB))));
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync(Job.Token);
        Assert.Equal(0, process.ExitCode);
    }
}
