namespace Containers.Security.Tests;

/// <summary>What an engine of the host's root must keep from a container that was given more than the default.</summary>
[Trait("Category", "Vm")]
public sealed class HostRightsTests
{
    /// <summary>The mount table of the host while a container with every right inside its namespaces mounts without end.</summary>
    [Fact]
    public async Task MountsMadeInside_StayInside()
    {
        var before = await File.ReadAllLinesAsync("/proc/self/mountinfo", Job.Token);
        var result = await Job.InBusybox("for i in 1 2 3 4 5 6 7 8; do mkdir -p /tmp/$i; mount -t tmpfs x /tmp/$i || exit 1; mount --bind / /tmp/$i || exit 2; done; mount --make-rshared /; mount -t tmpfs x /usr; echo done")
            .WithCapability(Capability.SysAdmin).RunAsync(Job.Token);
        Assert.True(result.IsSuccess, result.StandardError.Text);
        Assert.Equal(before, await File.ReadAllLinesAsync("/proc/self/mountinfo", Job.Token));
    }

    /// <summary>Also where the filter lets a job use keys.</summary>
    [Fact]
    public async Task KeysOfTheHost_AreNotFound()
    {
        Assert.Equal(0, await Attack.RunOnHostAsync("keys", "add"));
        try
        {
            await using var engine = new ContainerEngine();
            var output = (await engine.RunAsync(Attack.With("default", "keys", "search").WithoutSeccomp(), Job.Token)).StandardOutput.Text;
            Assert.Equal(3, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
            Assert.Empty(Attack.Succeeded(output));
        }
        finally
        {
            await Attack.RunOnHostAsync("keys", "remove");
        }
    }
}
