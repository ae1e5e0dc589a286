using System.Text.RegularExpressions;

namespace Containers.Security.Tests;

/// <summary>/proc and /sys: nothing there may change the host, and nothing may be uncovered.</summary>
[Trait("Category", "Vm")]
[Trait("Category", "Rootless")]
public sealed partial class KernelFileTests
{
    public static TheoryData<string> Profiles => [.. Attack.Profiles];

    [Theory]
    [MemberData(nameof(Profiles))]
    public async Task OfAllFilesOfTheKernel_OnlyTheProcessesOwnCanBeWritten(string profile)
    {
        var written = (await Attack.LinesOf(Attack.With(profile, "sweep"))).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.NotEmpty(written);
        Assert.All(written, static path => Assert.Matches(OfTheProcess(), path));
    }

    [Fact]
    public async Task WhatRunsAsRootOfTheHost_CannotBeNamed()
    {
        foreach (var path in (string[])["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper", "/proc/sys/fs/binfmt_misc/register",
            "/sys/fs/cgroup/release_agent", "/sys/kernel/security/apparmor/.load", "/proc/sys/kernel/hotplug", "/sys/power/state"])
        {
            var result = await Job.InBusybox($"echo '|/tmp/x' > {path}").RunAsync(Job.Token);
            Assert.NotEqual(0, result.ExitCode);
        }
    }

    [Fact]
    public async Task WhatIsCovered_CannotBeUncovered()
    {
        var output = await Job.OutputOf(Job.InBusybox(
            "umount /proc/kcore; umount -l /proc/sys; umount /proc; mount -o remount,rw /proc/sys; mount -o bind /proc /tmp; mount -t proc x /tmp; rm -f /proc/kcore; mv /proc/keys /tmp; " +
            "cat /proc/kcore /proc/keys /proc/timer_list 2> /dev/null | wc -c"));
        Assert.EndsWith("0\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheOldRoot_IsOutOfReach()
    {
        using var canary = new Attack.Canary();
        var output = await Job.OutputOf(Job.InBusybox(
            $"cd /; cd ../../../..; ls {canary.Directory} 2> /dev/null; mkdir -p /tmp/j; for i in 1 2 3; do cd ..; done; chroot /tmp/j /bin/sh -c x 2> /dev/null; ls -d /proc/*/root{canary.Directory} /proc/*/cwd/../../..{canary.Directory} 2> /dev/null; " +
            $"for f in /proc/self/fd/*; do ls $f/../../../..{canary.Directory} 2> /dev/null; done; :"));
        Assert.Equal(string.Empty, output);
    }

    [GeneratedRegex("^/proc/(self|thread-self)/(attr/.*|autogroup|clear_refs|comm|coredump_filter|loginuid|mem|make-it-fail|oom_adj|oom_score_adj|sched|timens_offsets|timerslack_ns|uid_map|gid_map|projid_map|setgroups|fail-nth|latency|sessionid)$",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OfTheProcess();
}
