using System.Diagnostics;

namespace Containers.Security.Tests;

/// <summary>CVE-2021-30465 and its kin: a container exchanges a directory for a link, again and again, while others mount below it.</summary>
[Trait("Category", "Vm")]
[Collection(WholeHost.Name)]
public sealed class RaceTests : IDisposable
{
    private readonly Attack.Canary _canary = new();
    private readonly string _shared = Directory.CreateTempSubdirectory("containers-shared-").FullName;

    public RaceTests()
    {
        Directory.CreateDirectory(_shared + "/target/inner");
        File.CreateSymbolicLink(_shared + "/link", _canary.Directory);
    }

    public void Dispose()
    {
        Directory.Delete(_shared, recursive: true);
        _canary.Dispose();
    }

    [Theory]
    [InlineData("tmpfs")]
    [InlineData("bind")]
    public async Task WhatIsMountedMeanwhile_StaysInside(string kind)
    {
        var volume = Mount.Bind(_shared, "/shared", readOnly: false);
        await using var swapper = await Attack.With("default", "swap", "/shared/target", "/shared/link").WithMount(volume)
            .WithTimeout(TimeSpan.FromMinutes(10)).WithUserNamespace(UserNamespace.Host).StartAsync(Job.Token);
        var before = await File.ReadAllLinesAsync("/proc/self/mountinfo", Job.Token);
        var job = Job.InBusybox($"grep -c {_canary.Directory} /proc/self/mountinfo || :").WithMount(volume);
        job = job.WithMount(kind == "tmpfs" ? Mount.Tmpfs("/shared/target/inner", 1.MB) : Mount.Bind("/usr/share", "/shared/target/inner"));
        var (ran, refused) = (0, 0);
        for (var i = 0; i < Attack.Rounds(150, 5000); i++)
        {
            try
            {
                Assert.Equal("0\n", (await job.RunAsync(Job.Token)).StandardOutput.Text);
                ran++;
            }
            catch (ContainerException)
            {
                refused++;
            }
        }

        Assert.True(swapper.IsRunning);
        Assert.True(ran > 0, $"{ran} ran, {refused} were refused");
        Assert.Equal(before, await File.ReadAllLinesAsync("/proc/self/mountinfo", Job.Token));
    }
}
