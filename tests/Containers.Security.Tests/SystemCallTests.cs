using System.Globalization;

namespace Containers.Security.Tests;

/// <summary>What the kernel must refuse whoever asks from inside, as root of the container, at start and in an exec.</summary>
[Trait("Category", "Vm")]
[Trait("Category", "Rootless")]
public sealed class SystemCallTests
{
    public static TheoryData<string> Profiles => [.. Attack.Profiles];

    [Theory]
    [MemberData(nameof(Profiles))]
    public async Task NothingThatReachesTheHost_IsGranted(string profile)
    {
        var output = await Attack.LinesOf(Attack.With(profile, "calls"));

        Assert.InRange(output.Split('\n').Length, 60, 80);
        Assert.Empty(Attack.Succeeded(output));
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public async Task AnExec_IsGrantedNoMoreThanTheStart(string profile)
    {
        await using var container = await Attack.With(profile).WithCommand("/bin/sleep", "60").StartAsync(Job.Token);
        Assert.Empty(Attack.Succeeded((await container.ExecAsync("/attack", "calls")).StandardOutput.Text));

        // The process itself is the same in all that confines it, but for what counts.
        const string Confined = "grep -E '^(Cap|NoNewPrivs|Seccomp|Groups|Uid|Gid|Sig(Blk|Ign))' /proc/{0}/status; cat /proc/{0}/limits /proc/{0}/uid_map; readlink /proc/{0}/ns/*; cat /proc/{0}/oom_score_adj /proc/{0}/cgroup";
        var own = await container.ExecAsync("/bin/sh", "-c", string.Format(CultureInfo.InvariantCulture, Confined, "self"));
        var main = await container.ExecAsync("/bin/sh", "-c", string.Format(CultureInfo.InvariantCulture, Confined, profile == "default" ? "1" : "2"));
        Assert.Equal(main.StandardOutput.Text, own.StandardOutput.Text);
    }

    [Fact]
    public async Task ForTheUntrusted_MoreIsRefused() => Assert.Empty(Attack.Succeeded(await Attack.LinesOf(Attack.With("untrusted", "untrusted-calls"))));

    [Fact]
    public async Task OnlySocketsThatJobsNeed_CanBeMade()
    {
        Assert.Equal(["1/1", "1/2", "1/3", "1/5", "2/1", "2/2", "10/1", "10/2", "16/2", "16/3"],
            (await Attack.LinesOf(Attack.With("untrusted", "sockets"))).Split('\n', StringSplitOptions.RemoveEmptyEntries));

        // AF_ALG and AF_VSOCK, and raw and packet sockets, which need a capability.
        Assert.DoesNotMatch("(?m)^(38|40|17)/|^(2|10)/3$", await Attack.LinesOf(Attack.With("default", "sockets")));
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public async Task OtherMachinesCalls_AreNoWayAroundTheFilter(string profile)
    {
        var output = await Attack.LinesOf(Attack.With(profile, "abi"));
        if (System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64)
        {
            Assert.Contains("int80: killed by SYS\n", output, StringComparison.Ordinal);
            Assert.Contains("x32: ENOSYS\n", output, StringComparison.Ordinal);
        }

        Assert.Contains("unknown call: ENOSYS\n", output, StringComparison.Ordinal);
        Assert.Contains("call of the future: ENOSYS\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public async Task NothingCanBePutIntoATerminal(string profile)
    {
        var result = await Attack.With(profile, "terminal").WithTerminal().RunAsync(Job.Token);
        Assert.Equal(["TIOCSTI: EPERM", "TIOCSTI with high bits: EPERM", "TIOCLINUX: EPERM"], result.StandardOutput.Text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public async Task NoDevice_CanBeMade(string profile) => Assert.Equal(string.Empty, await Attack.LinesOf(Attack.With(profile, "devices")));

    /// <summary>With the capability to make devices a container still has none but its own (the devices cgroup, nodev mounts, the user namespace).</summary>
    [Fact]
    public async Task ACapabilityToMakeDevices_OpensNone()
    {
        var result = await Attack.With("default", "devices").WithCapability(Capability.MakeNode).WithUserNamespace(UserNamespace.Host).RunAsync(Job.Token);
        Assert.DoesNotContain("opened", result.StandardOutput.Text, StringComparison.Ordinal);
    }
}
