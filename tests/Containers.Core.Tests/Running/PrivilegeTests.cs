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

    /// <summary>The second wall stands also where the first ones are taken away: no mount can be changed, no device made.</summary>
    [Fact]
    public async Task Landlock_ForbidsWhatACapabilityWouldAllow()
    {
        var security = SecurityProfile.Untrusted with { Seccomp = null, Capabilities = [Capability.SysAdmin] };
        const string Script = "mkdir /tmp/a /tmp/b; echo x > /tmp/a/file; mv /tmp/a/file /tmp/b/file; ln /tmp/b/file /tmp/a/again; ls /tmp/a /tmp/b; mount -t tmpfs x /tmp/a && echo mounted; :";
        var hasLandlock = (await ContainerEngine.Default.ProbeAsync(Job.Token)).Features.Any(static feature => feature is { Name: "Landlock", IsAvailable: true });

        Assert.Equal("/tmp/a:\nagain\n\n/tmp/b:\nfile\n" + (hasLandlock ? "" : "mounted\n"), await Job.OutputOf(Job.InBusybox(Script).WithSecurity(security)));
        Assert.EndsWith("mounted\n", await Job.OutputOf(Job.InBusybox(Script).WithSecurity(security with { Landlock = false })), StringComparison.Ordinal);
    }

    private const string Status = "cat /proc/self/status";

    private static async Task<string> MaskOf(ContainerBuilder job, string name) =>
        (await Job.OutputOf(job)).Split('\n').First(line => line.StartsWith(name, StringComparison.Ordinal)).Split('\t')[1];
}
