namespace Containers.Tests.Running;

/// <summary>An ordinary user's containers with the further ids that the administrator gave (package uidmap); root has them anyway.</summary>
[Trait("Category", "Rootless")]
public sealed class SubordinateIdTests
{
    [Fact]
    public async Task AnotherUser_CanBeHadAndSignalled_OrIsRefusedWithTheRemedy()
    {
        if ((await ContainerEngine.Default.ProbeAsync(Job.Token)).Features.Any(static feature => feature is { Name: "subordinate ids", IsAvailable: false }))
        {
            Assert.Contains("uidmap", (await Job.FailureOf(Job.Shell("id").WithUser("1000:1000"))).Message, StringComparison.Ordinal);
            return;
        }

        var status = await Job.OutputOf(Job.Shell("grep -E '^(Uid|Gid|Groups)' /proc/self/status").WithUser("1000:1000").WithSupplementaryGroups("50"));
        Assert.Equal("Uid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nGroups:\t50 1000 \n", status);
        Assert.Equal("hi\n", await Job.OutputOf(Job.Shell("echo hi > /dev/stdout").WithUser("1000:1000")));

        var slow = await Job.Shell("sleep 30").WithUser("1000").WithTimeout(TimeSpan.FromMilliseconds(300)).RunAsync(Job.Token);
        Assert.Equal(Outcome.TimedOut, slow.Outcome);
    }

    [Fact]
    public async Task FilesOfOtherUsers_AreTheirs_WhereThereAreSeveralIds()
    {
        var several = !(await Job.OutputOf(Job.Shell("cat /proc/self/uid_map"))).EndsWith(" 1\n", StringComparison.Ordinal);
        var result = await Job.InBusybox("touch /tmp/a; chown 7:8 /tmp/a && stat -c %u:%g /tmp/a && su ada -c 'id -u'").RunAsync(Job.Token);

        Assert.Equal(several ? "7:8\n1000\n" : "", result.StandardOutput.Text);
    }
}
