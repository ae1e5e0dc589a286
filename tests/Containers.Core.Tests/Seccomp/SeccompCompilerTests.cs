using System.Collections.Immutable;
using Containers.Seccomp;
using FsCheck.Xunit;

namespace Containers.Tests.Seccomp;

/// <summary>Filters answer as the rules say: compared with a plain walk over the rules.</summary>
public sealed class SeccompCompilerTests
{
    private const uint Allow = 0x7fff0000;
    private const uint NotPermitted = 0x00050001;
    private const uint NoSuchCall = 0x00050026;
    private const uint NoSuchFamily = 0x00050061;
    private const uint KillProcess = 0x80000000;

    private static readonly Version Kernel = new(6, 1);
    private static readonly ImmutableArray<string> Names = ["read", "write", "openat", "clone", "socket", "mount", "ptrace", "bpf", "mseal", "getpid", "socketcall", "cacheflush"];

    private static readonly ulong[] Interesting = [0, 1, 2, 38, 40, 0x5412, 0x7E020000, 0x10000000, uint.MaxValue, 1UL << 32, (1UL << 32) | 38, ulong.MaxValue, 0xdeadbeef00000001];

    /// <summary>Profiles made by chance, on every machine, for every call of interest and one around each.</summary>
    [Property(MaxTest = 300)]
    public void AFilter_AnswersAsItsRulesSay(int seed)
    {
        var random = new Random(seed);
        var profile = RandomProfile(random);
        var native = random.Next(2) == 0 ? SeccompMachine.X64 : SeccompMachine.Arm64;
        var capabilities = (ulong)random.NextInt64();
        var filter = SeccompCompiler.Compile(profile, capabilities, native, Kernel);
        foreach (var machine in SeccompMachine.All)
        {
            for (var i = 0; i < 60; i++)
            {
                var number = i < Names.Length ? SystemCallTable.NumberOf(Names[i], machine) ?? i : random.Next(0, 600);
                var arguments = Enumerable.Range(0, 6).Select(_ => Interesting[random.Next(Interesting.Length)]).ToArray();
                var raw = (uint)number | (machine == SeccompMachine.X32 ? SeccompMachine.X32Bit : 0);
                Assert.Equal(Model(profile, capabilities, native, machine, number, arguments), BpfMachine.Run(filter, machine.Audit, raw, arguments));
            }
        }
    }

    [Theory]
    [InlineData("default")]
    [InlineData("untrusted")]
    public void TheBuiltInProfiles_AllowWhatProgramsNeedAndRefuseWhatNoneDoes(string name)
    {
        var profile = name == "default" ? SeccompProfile.Default : SeccompProfile.Untrusted;
        foreach (var machine in (SeccompMachine[])[SeccompMachine.X64, SeccompMachine.Arm64])
        {
            var filter = SeccompCompiler.Compile(profile.Content, SecurityProfile.Default.CapabilityMask & (name == "default" ? ulong.MaxValue : 0), machine, Kernel);
            uint Of(string call, params ReadOnlySpan<ulong> arguments) => BpfMachine.Run(filter, machine.Audit, (uint)SystemCallTable.NumberOf(call, machine)!.Value, arguments);

            foreach (var call in (string[])["read", "write", "openat", "mmap", "futex", "execve", "exit_group", "rt_sigreturn", "wait4", "seccomp", "prctl", "rseq", "statx", "fchmodat2", "epoll_pwait2"])
            {
                Assert.Equal(Allow, Of(call, 1000, 1000, 1000));
            }

            foreach (var call in (string[])["io_uring_setup", "io_uring_enter", "userfaultfd", "add_key", "keyctl", "request_key", "kexec_load", "swapon", "pivot_root", "move_pages",
                "bpf", "perf_event_open", "mount", "umount2", "fsopen", "open_tree", "move_mount", "setns", "unshare", "reboot", "init_module", "finit_module", "settimeofday", "open_by_handle_at", "acct", "syslog", "kcmp"])
            {
                Assert.Equal(NotPermitted, Of(call));
            }

            Assert.Equal(NoSuchCall, Of("clone3"));
            Assert.Equal(Allow, Of("clone", 0x11));
            foreach (var flag in (ulong[])[0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000])
            {
                Assert.Equal(NotPermitted, Of("clone", flag | 0x11));
            }

            Assert.Equal(Allow, Of("socket", 1, 1, 0));
            Assert.Equal(Allow, Of("socket", 2, 1, 6));
            Assert.Equal(NoSuchFamily, Of("socket", 38, 5, 0));
            Assert.Equal(NoSuchFamily, Of("socket", (1UL << 32) | 40, 1, 0));
            Assert.Equal(Allow, Of("ioctl", 0, 0x5401));
            Assert.Equal(NotPermitted, Of("ioctl", 0, 0x5412));
            Assert.Equal(NotPermitted, Of("ioctl", 0, 0xffffffff_0000541C));
            Assert.Equal(Allow, Of("personality", 0xffffffff));
            Assert.Equal(NotPermitted, Of("personality", 0x0400000));
            Assert.Equal(NoSuchCall, BpfMachine.Run(filter, machine.Audit, 599));
            Assert.Equal(name == "default" ? Allow : NotPermitted, Of("ptrace"));
            Assert.Equal(name == "default" ? Allow : NoSuchFamily, Of("socket", 17, 3, 0));
            Assert.Equal(name == "default" ? Allow : NotPermitted, Of("prlimit64", 0, 4, 0x1000));
            Assert.Equal(name == "default" ? Allow : NotPermitted, Of("setrlimit", 4));
        }

        var own = SeccompCompiler.Compile(profile.Content, 0, SeccompMachine.X64, Kernel);
        Assert.Equal(KillProcess, BpfMachine.Run(own, SeccompMachine.X86.Audit, 20));
        Assert.Equal(NoSuchCall, BpfMachine.Run(own, SeccompMachine.X64.Audit, SeccompMachine.X32Bit));
        Assert.InRange(own.Length, 50, 400);
    }

    [Fact]
    public void Capabilities_OpenTheCallsThatNeedThem()
    {
        var mount = (uint)SystemCallTable.NumberOf("mount", SeccompMachine.X64)!.Value;
        var clone3 = (uint)SystemCallTable.NumberOf("clone3", SeccompMachine.X64)!.Value;
        var with = SeccompCompiler.Compile(SeccompProfile.Default.Content, 1UL << (int)Capability.SysAdmin, SeccompMachine.X64, Kernel);

        Assert.Equal(Allow, BpfMachine.Run(with, SeccompMachine.X64.Audit, mount));
        Assert.Equal(Allow, BpfMachine.Run(with, SeccompMachine.X64.Audit, clone3));
    }

    [Fact]
    public void DerivedProfiles_PutTheirRuleFirst()
    {
        var profile = SeccompProfile.Default.Allow("ptrace").Kill("uname").Deny("getcwd");
        var filter = SeccompCompiler.Compile(profile.Content, 0, SeccompMachine.X64, Kernel);

        Assert.Equal(Allow, BpfMachine.Run(filter, SeccompMachine.X64.Audit, 101));
        Assert.Equal(KillProcess, BpfMachine.Run(filter, SeccompMachine.X64.Audit, 63));
        Assert.Equal(NotPermitted, BpfMachine.Run(filter, SeccompMachine.X64.Audit, 79));
        Assert.Throws<ArgumentException>(() => SeccompProfile.Default.Deny("no_such_call"));
        Assert.False(SeccompProfile.Default.MayCall("keyctl"));
        Assert.True(profile.MayCall("ptrace"));
    }

    [Fact]
    public void AProfile_IsCompiledOnce()
    {
        var first = SeccompProfile.Default.Compile(1);
        Assert.Same(first, SeccompProfile.Default.Compile(1));
        var before = GC.GetAllocatedBytesForCurrentThread();
        SeccompProfile.Default.Compile(1);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void TooManyInstructions_AreRefused()
    {
        var rules = Enumerable.Range(0, 1500).Select(static i => new SeccompRule(
            ["read"], SeccompAction.Allow, [new SeccompCondition(0, SeccompComparison.Equal, (ulong)i, 0)], null, null)).ToImmutableArray();
        var refused = Assert.Throws<ContainerException>(() => SeccompCompiler.Compile(new SeccompContent(SeccompAction.Allow, 0, [], rules, []), 0, SeccompMachine.X64, Kernel));
        Assert.Contains("4096", refused.Message, StringComparison.Ordinal);
    }

    private static uint Model(SeccompContent profile, ulong capabilities, SeccompMachine native, SeccompMachine machine, int number, ulong[] arguments)
    {
        var listed = profile.Machines.Any(entry => (entry.Native is null || entry.Native == native.OciName) && entry.Machine == machine.OciName);
        if (machine != native && !(native.Compatible.Contains(machine) && listed))
        {
            return machine == SeccompMachine.X32 && native == SeccompMachine.X64 ? NoSuchCall : KillProcess;
        }

        foreach (var rule in profile.Rules)
        {
            if (rule.AppliesTo(capabilities, native.Name, Kernel) && rule.Names.Any(name => SystemCallTable.NumberOf(name, machine) == number) &&
                rule.Conditions.All(condition => condition.Holds(arguments[condition.Index])))
            {
                return rule.Action.Value;
            }
        }

        var isNewer = number > SystemCallTable.Highest(machine) && !profile.Rules.Any(rule => rule.AppliesTo(capabilities, native.Name, Kernel) && rule.Names.Any(name => SystemCallTable.NumberOf(name, machine) == number));
        return isNewer && profile.DefaultAction.IsError ? NoSuchCall : profile.DefaultAction.Value;
    }

    private static SeccompContent RandomProfile(Random random)
    {
        SeccompAction[] actions = [SeccompAction.Allow, SeccompAction.Error(1), SeccompAction.KillProcess, SeccompAction.Log, SeccompAction.Trap, SeccompAction.KillThread];
        var rules = ImmutableArray.CreateBuilder<SeccompRule>();
        for (var i = random.Next(0, 40); i > 0; i--)
        {
            ImmutableArray<string> names = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Names[random.Next(Names.Length)])];
            ImmutableArray<SeccompCondition> conditions = [.. Enumerable.Range(0, random.Next(0, 4)).Select(_ => new SeccompCondition(
                random.Next(6), (SeccompComparison)random.Next(7), Interesting[random.Next(Interesting.Length)], Interesting[random.Next(Interesting.Length)]))];
            var scope = random.Next(4) == 0 ? new SeccompScope(1UL << random.Next(0, 41), random.Next(2) == 0 ? ["amd64"] : [], random.Next(2) == 0 ? new Version(random.Next(4, 8), 0) : null) : null;
            rules.Add(new SeccompRule(names, actions[random.Next(actions.Length)], conditions, random.Next(2) == 0 ? scope : null, random.Next(2) == 0 ? scope : null));
        }

        ImmutableArray<(string?, string)> machines = [.. SeccompMachine.All.Where(_ => random.Next(2) == 0).Select(machine => ((string?)(random.Next(2) == 0 ? SeccompMachine.X64.OciName : null), machine.OciName))];
        return new SeccompContent(actions[random.Next(actions.Length)], 0, machines, rules.ToImmutable(), []);
    }
}
