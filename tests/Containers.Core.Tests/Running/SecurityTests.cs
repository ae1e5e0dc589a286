namespace Containers.Tests.Running;

/// <summary>Capabilities, filters and profiles as the job finds them.</summary>
[Trait("Category", "Vm")]
[Trait("Category", "Rootless")]
public sealed class SecurityTests
{
    [Fact]
    public async Task Capabilities_AreThoseAskedFor()
    {
        Assert.Equal("0000000000000000", await MaskOf(Job.Shell(Status).WithoutCapabilities(), "CapBnd"));
        Assert.Equal("0000000000001000", await MaskOf(Job.Shell(Status).WithoutCapabilities().WithCapability(Capability.NetAdmin), "CapEff"));
        Assert.Equal("00000000800405fa", await MaskOf(Job.Shell(Status).WithoutCapability(Capability.Chown), "CapPrm"));
    }

    [Fact]
    public async Task AProfilesFilter_IsInForceForStartAndExec()
    {
        await using var container = await Job.Shell("sleep 30").StartAsync(Job.Token);
        Assert.Equal("Seccomp:\t2\n", await Job.OutputOf(Job.Shell("grep Seccomp: /proc/self/status")));
        Assert.Equal("Seccomp:\t2\n", (await container.ExecAsync("grep", "Seccomp:", "/proc/self/status")).StandardOutput.Text);
        Assert.Equal("Seccomp:\t0\n", await Job.OutputOf(Job.Shell("grep Seccomp: /proc/self/status").WithoutSeccomp()));
    }

    [Fact]
    public async Task AKillingRule_IsToldApart()
    {
        var result = await Job.Shell("exec /bin/uname -a").WithSeccomp(SeccompProfile.Default.Kill("uname")).RunAsync(Job.Token);
        Assert.Equal(Outcome.SyscallDenied, result.Outcome);
        Assert.Equal("uname", result.DeniedSystemCall);
        Assert.NotEqual(0, (await Job.Shell("mkdir /tmp/x").WithSeccomp(SeccompProfile.Default.Deny("mkdir", "mkdirat")).RunAsync(Job.Token)).ExitCode);
    }

    [Fact]
    public async Task AChildThatIsKilled_IsNamedToo()
    {
        var result = await Job.Shell("/bin/uname -a; echo went on").WithInit().WithSeccomp(SeccompProfile.Default.Kill("uname")).RunAsync(Job.Token);
        Assert.Equal(Outcome.Exited, result.Outcome);
        Assert.Equal("went on\n", result.StandardOutput.Text);
        Assert.Equal("uname", result.DeniedSystemCall);
        await using var container = await Job.Shell("sleep 30").WithSeccomp(SeccompProfile.Default.Kill("uname")).StartAsync(Job.Token);
        Assert.Equal((Outcome.SyscallDenied, "uname"), await container.ExecAsync("uname", "-a") is var exec ? (exec.Outcome, exec.DeniedSystemCall) : default);
    }

    /// <summary>A filter too narrow to send anything through cannot ask before it kills; the outcome is the same.</summary>
    [Fact]
    public async Task AKillByTheKernelAlone_HasTheSameOutcome()
    {
        var narrow = SeccompProfile.Parse("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["uname","sendmsg"],"action":"SCMP_ACT_KILL_PROCESS"}]}""");
        var result = await Job.Shell("exec /bin/uname -a").WithSeccomp(narrow).RunAsync(Job.Token);
        Assert.Equal((Outcome.SyscallDenied, null, Signal.BadSystemCall), (result.Outcome, result.DeniedSystemCall, result.Signal));
    }

    [Fact]
    public async Task AHandler_AnswersCalls()
    {
        var seen = new System.Collections.Concurrent.ConcurrentBag<string>();
        SystemCallAnswer Answer(in InterceptedSystemCall call)
        {
            seen.Add(call.Name);
            return call.Name switch
            {
                "getuid" or "geteuid" => SystemCallAnswer.Return(4242),
                "mkdir" or "mkdirat" => SystemCallAnswer.Fail(28), // ENOSPC
                "getppid" => throw new InvalidOperationException("a handler that fails"),
                _ => SystemCallAnswer.Continue,
            };
        }

        var profile = SeccompProfile.Default.Notify("getuid", "geteuid", "mkdir", "mkdirat", "uname");
        var job = Job.InBusybox("id -u; mkdir /tmp/x; uname -s").WithSeccomp(profile, Answer);
        foreach (var each in (ContainerBuilder[])[job, job.WithInit()])
        {
            var result = await each.RunAsync(Job.Token);
            Assert.Equal("4242\nLinux\n", result.StandardOutput.Text);
            Assert.Contains("No space left", result.StandardError.Text, StringComparison.Ordinal);
        }

        Assert.Contains("uname", seen);
        await using var container = await Job.InBusybox("sleep 30").WithSeccomp(profile, Answer).StartAsync(Job.Token);
        Assert.Equal("4242\n", (await container.ExecAsync("id", "-u")).StandardOutput.Text);
    }

    [Fact]
    public async Task WithoutAnAnswer_ACallFails()
    {
        Assert.Throws<ArgumentException>("profile", () => Job.Shell("true").WithSeccomp(SeccompProfile.Default.Notify("uname")));
        var narrow = SeccompProfile.Parse("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["sendmsg"],"action":"SCMP_ACT_NOTIFY"}]}""");
        Assert.Contains("sendmsg", (await Job.FailureOf(Job.Shell("true").WithSeccomp(narrow, static (in InterceptedSystemCall _) => SystemCallAnswer.Continue))).Message, StringComparison.Ordinal);
        var result = await Job.InBusybox("mkdir /tmp/x").WithSeccomp(SeccompProfile.Default.Notify("mkdir", "mkdirat"), static (in InterceptedSystemCall _) => throw new InvalidOperationException("on purpose")).RunAsync(Job.Token);
        Assert.Equal(1, result.ExitCode);
    }

    /// <summary>The filter comes last: it has to allow nothing of the set-up, and a failed execve is still told.</summary>
    [Fact]
    public async Task AFilterThatAllowsNothing_DoesNotHideWhatFailed()
    {
        var strict = SeccompProfile.Parse("""{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["execve","exit_group","faccessat"],"action":"SCMP_ACT_ALLOW"}]}""");
        Assert.Equal("/no/such", (await Job.FailureOf(Job.Shell("true").WithEntrypoint("/no/such").WithSeccomp(strict))).Path);
        var ran = await Job.Shell("true").WithSeccomp(strict).RunAsync(Job.Token);
        Assert.NotEqual(0, ran.ExitCode);
    }

    [Fact]
    public async Task Untrusted_IsStricterInEveryWay()
    {
        var job = Job.Shell("cat /proc/self/status; touch /x; touch /tmp/y && echo tmp is writable; echo pid $$; ulimit -Hc").WithSecurity(SecurityProfile.Untrusted);
        var result = await job.RunAsync(Job.Token);
        Assert.Matches("CapBnd:\t0{16}", result.StandardOutput.Text);
        Assert.Matches("NoNewPrivs:\t1", result.StandardOutput.Text);
        Assert.Contains("tmp is writable", result.StandardOutput.Text, StringComparison.Ordinal);
        Assert.Contains("pid 2", result.StandardOutput.Text, StringComparison.Ordinal);
        Assert.Contains("Read-only file system", result.StandardError.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NewPrivileges_WithAFilter()
    {
        var security = SecurityProfile.Default with { NoNewPrivileges = false };
        var status = await Job.OutputOf(Job.Shell(Status).WithSecurity(security));
        Assert.Matches("NoNewPrivs:\t0", status);
        Assert.Matches("Seccomp:\t2", status);
        Assert.Matches("CapEff:\t00000000800405fb", status);
    }

    [Fact]
    public void Explain_ShowsTheWholeProfile()
    {
        var text = Job.Shell("true").WithSecurity(SecurityProfile.Untrusted with { UserNamespace = UserNamespace.Automatic }).Explain();
        foreach (var line in (string[])["profile: untrusted", "capabilities: none", "seccomp: untrusted", "user namespace: Automatic", "no new privileges: yes", "read-only root: yes", "init: yes", "seccomp("])
        {
            Assert.Contains(line, text, StringComparison.Ordinal);
        }
    }

    private const string Status = "cat /proc/self/status";

    private static async Task<string> MaskOf(ContainerBuilder job, string name) =>
        (await Job.OutputOf(job)).Split('\n').First(line => line.StartsWith(name, StringComparison.Ordinal)).Split('\t')[1];
}
