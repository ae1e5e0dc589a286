namespace Containers.Tests.Running;

/// <summary>Labels of the security modules: given by a start and a command alike, or refused.</summary>
[Trait("Category", "Vm")]
public sealed class AppArmorTests
{
    private const string Interface = "/sys/kernel/security/apparmor";
    private const string Current = "cat /proc/self/attr/apparmor/current; cat /etc/hostname 2> /dev/null || echo denied";

    private static readonly Lazy<bool> Loaded = new(Load);

    [Fact]
    public async Task TheProfile_ConfinesTheJob_WhoeverAndWhereverItIs()
    {
        Assert.SkipUnless(Loaded.Value, "AppArmor is not active, or the tests' profile was not compiled");
        var job = Job.Shell(Current).WithAppArmor("containers-test");
        foreach (var confined in (ContainerBuilder[])
        [
            job, job.WithUserNamespace(UserNamespace.Host), job.WithUserNamespace(UserNamespace.Private), job.WithInit(), job.WithUser(1000, 1000),
            job.WithSecurity(SecurityProfile.Untrusted with { AppArmorProfile = "containers-test" }), job.WithNamespace(NamespaceKind.Pid, NamespaceMode.Host),
        ])
        {
            Assert.Equal("containers-test (enforce)\ndenied\n", await Job.OutputOf(confined));
        }

        Assert.DoesNotContain("containers-test", await Job.OutputOf(Job.Shell(Current)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheProfile_ConfinesACommandThatJoins_AndNotTheInit()
    {
        Assert.SkipUnless(Loaded.Value, "AppArmor is not active, or the tests' profile was not compiled");
        await using var container = await Job.Shell("sleep 30").WithAppArmor("containers-test").WithInit().StartAsync(Job.Token);
        var result = await container.ExecAsync("/bin/sh", "-c", Current);

        Assert.Equal("containers-test (enforce)\ndenied\n", result.StandardOutput.Text);
        Assert.Equal("unconfined\n", await File.ReadAllTextAsync($"/proc/{container.ProcessId}/attr/apparmor/current", Job.Token));
    }

    [Fact]
    public async Task AProfileThatIsNotLoaded_IsNamed_WithTheRemedy()
    {
        Assert.SkipUnless(Loaded.Value, "AppArmor is not active, or the tests' profile was not compiled");
        var failure = await Job.FailureOf(Job.Shell("true").WithAppArmor("containers-no-such"));

        Assert.Contains("exec containers-no-such", failure.Message, StringComparison.Ordinal);
        Assert.Contains("ENOENT", failure.Message, StringComparison.Ordinal);
        Assert.Contains("apparmor_parser -r", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Compiled by eng/test.sh from Security/containers-test.apparmor, because the machine has no compiler for it.</summary>
    private static bool Load()
    {
        var compiled = Path.Combine(AppContext.BaseDirectory, "containers-test.apparmor.bin");
        if (!File.Exists(Interface + "/.replace") || !File.Exists(compiled))
        {
            return false;
        }

        File.WriteAllBytes(Interface + "/.replace", File.ReadAllBytes(compiled));
        return true;
    }
}
