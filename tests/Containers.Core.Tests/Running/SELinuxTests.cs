namespace Containers.Tests.Running;

/// <summary>On a kernel where SELinux is on, with a policy of the tests' own.</summary>
[Trait("Category", "SELinux")]
public sealed class SELinuxTests
{
    private const string Interface = "/sys/fs/selinux";
    private const string Label = "system_u:system_r:container_t:s0:c1,c2";
    private const string MountLabel = "system_u:object_r:container_file_t:s0:c1,c2";

    private static readonly Lazy<bool> Loaded = new(Load);

    public SELinuxTests() => Assert.SkipUnless(Loaded.Value, "SELinux is not active, or the tests' policy was not compiled");

    [Fact]
    public async Task TheContext_IsTheJobs_WhoeverAndWhereverItIs()
    {
        var job = Job.Shell("cat /proc/self/attr/current").WithSELinux(Label);
        foreach (var labelled in (ContainerBuilder[])[job, job.WithUserNamespace(UserNamespace.Host), job.WithInit(), job.WithUser(1000, 1000)])
        {
            Assert.Equal(Label, (await Job.OutputOf(labelled)).TrimEnd('\0'));
        }

        Assert.DoesNotContain("container_t", await Job.OutputOf(Job.Shell("cat /proc/self/attr/current")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheContext_IsThatOfACommandThatJoins()
    {
        await using var container = await Job.Shell("sleep 30").WithSELinux(Label).StartAsync(Job.Token);

        Assert.Equal(Label, (await container.ExecAsync("/bin/cat", "/proc/self/attr/current")).StandardOutput.Text.TrimEnd('\0'));
    }

    [Fact]
    public async Task FilesOfTheContainersOwn_HaveTheirs()
    {
        var mounts = await Job.OutputOf(Job.Shell("grep -c " + MountLabel + " /proc/self/mountinfo; echo x > /tmp/file && cat /tmp/file").WithSELinux(Label, MountLabel));

        Assert.Equal("3\nx\n", mounts);
    }

    [Fact]
    public async Task AContextThatThePolicyLacks_IsNamed_WithTheRemedy()
    {
        var failure = await Job.FailureOf(Job.Shell("true").WithSELinux("system_u:system_r:no_such_t:s0"));

        Assert.Contains("no_such_t", failure.Message, StringComparison.Ordinal);
        Assert.Contains("ausearch", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Compiled by eng/test.sh from Security/containers-test.cil, because the machine has no compiler for it.</summary>
    private static bool Load()
    {
        var compiled = Path.Combine(AppContext.BaseDirectory, "containers-test.selinux.bin");
        if (!File.Exists(Interface + "/load") || !File.Exists(compiled))
        {
            return false;
        }

        File.WriteAllBytes(Interface + "/load", File.ReadAllBytes(compiled));
        return true;
    }
}
