namespace Containers.Tests.Running;

/// <summary>A host whose root is the initramfs, which pivot_root(2) refuses to leave.</summary>
[Trait("Category", "Initramfs")]
public sealed class InitramfsTests
{
    public InitramfsTests() =>
        Assert.SkipUnless(File.ReadLines("/proc/self/mountinfo").Any(static line => line.Contains(" / / ", StringComparison.Ordinal) && line.Contains(" - rootfs ", StringComparison.Ordinal)), "the root is no initramfs");

    [Fact]
    public async Task WithoutTheFallback_ItIsRefusedByName()
    {
        var failure = await Job.FailureOf(Job.Shell("true"));

        Assert.Equal("pivot into the new root", failure.Step);
        Assert.Contains("WithMoveMountRoot", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithTheFallback_AJobRuns_AndFindsNoWayBack()
    {
        Assert.True(File.Exists("/etc/inittab"));
        var script = "test ! -e /etc/inittab && test ! -e /payload && echo apart; cd / && cd ../../.. && ls; mkdir /tmp/x && chroot /tmp/x /bin/sh 2> /dev/null; cut -d ' ' -f 5 /proc/self/mountinfo | grep -c '^/$'; umount / 2> /dev/null || echo refused";
        foreach (var job in (ContainerBuilder[])[Job.Shell(script), Job.Shell(script).WithInit(), Job.Shell(script).WithSecurity(SecurityProfile.Untrusted)])
        {
            var output = await Job.OutputOf(job.WithMoveMountRoot());
            Assert.StartsWith("apart\nbin\ndev\netc\n", output, StringComparison.Ordinal);
            Assert.EndsWith("1\nrefused\n", output, StringComparison.Ordinal);
            Assert.DoesNotContain("payload", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task WithTheFallback_ACommandJoinsTheContainer()
    {
        await using var container = await Job.Shell("sleep 30").WithMoveMountRoot().StartAsync(Job.Token);
        var result = await container.ExecAsync("/bin/sh", "-c", "test ! -e /etc/inittab && ls /proc/1/exe > /dev/null && echo inside");

        Assert.Equal("inside\n", result.StandardOutput.Text);
    }
}
