namespace Containers.Tests.Running;

/// <summary>An ordinary user's containers with the further ids that the administrator gave (package uidmap); root has them anyway.</summary>
[Trait("Category", "Rootless")]
public sealed class SubordinateIdTests
{
    [Fact]
    public async Task AnotherUser_CanBeHadAndSignalled()
    {
        Assert.Equal("uid=1000 gid=1000 groups=1000,50\n", (await Job.OutputOf(Job.Shell("id").WithUser("1000:1000").WithSupplementaryGroups("50"))).Replace("(staff)", "", StringComparison.Ordinal));
        Assert.Equal("hi\n", await Job.OutputOf(Job.Shell("echo hi > /dev/stdout").WithUser("1000:1000")));

        var slow = await Job.Shell("sleep 30").WithUser("1000").WithTimeout(TimeSpan.FromMilliseconds(300)).RunAsync(Job.Token);
        Assert.Equal(Outcome.TimedOut, slow.Outcome);
    }

    [Fact]
    public async Task FilesOfOtherUsers_AreTheirs() =>
        Assert.Equal("7:8\n1000\n", await Job.OutputOf(Job.InBusybox("touch /tmp/a; chown 7:8 /tmp/a; stat -c %u:%g /tmp/a; su ada -c 'id -u'")));
}
