namespace Containers.Tests.Running;

/// <summary>Rights that only the host's root can give.</summary>
[Trait("Category", "Vm")]
public sealed class PrivilegeTests
{
    [Fact]
    public async Task AmbientCapabilities_ReachOtherUsers()
    {
        var security = SecurityProfile.Default with { Capabilities = [Capability.NetBindService], AmbientCapabilities = [Capability.NetBindService] };
        Assert.Equal("0000000000000400", await MaskOf(Job.Shell(Status).WithSecurity(security).WithUser("1000"), "CapEff"));
        Assert.Equal("0000000000000000", await MaskOf(Job.Shell(Status).WithUser("1000"), "CapEff"));
        Assert.Throws<ArgumentException>(() => Job.Shell("true").WithSecurity(security with { Capabilities = [] }));
    }

    [Fact]
    public async Task Privileged_IsAskedForByName()
    {
        var status = await Job.OutputOf(Job.Shell(Status + "; ls /sys/firmware > /dev/null && touch /proc/sys/kernel/domainname && echo uncovered").WithSecurity(SecurityProfile.Privileged));
        Assert.Matches("Seccomp:\t0", status);
        Assert.Contains("uncovered", status, StringComparison.Ordinal);
    }

    private const string Status = "cat /proc/self/status";

    private static async Task<string> MaskOf(ContainerBuilder job, string name) =>
        (await Job.OutputOf(job)).Split('\n').First(line => line.StartsWith(name, StringComparison.Ordinal)).Split('\t')[1];
}
