using Containers.UserNamespaces;

namespace Containers.Tests.Running;

/// <summary>An ordinary user who is itself inside, too.</summary>
[Trait("Category", "Rootless")]
public sealed class KeepIdTests : IDisposable
{
    private static readonly string User = Own("Uid:");
    private static readonly string Group = Own("Gid:");

    private readonly string _directory = Directory.CreateTempSubdirectory("containers-kept-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Root_IsToldThatItNeedsNone()
    {
        if (Environment.IsPrivilegedProcess)
        {
            Assert.Contains("Root's id is 0 inside as well", (await Job.FailureOf(Kept("true"))).Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal($"{User} {Group}\n", await Job.OutputOf(Kept("echo $(id -u) $(id -g)")));
        }
    }

    [Fact]
    public async Task FilesAreTheUsersOwn_InsideAndOutside()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "an ordinary user's engine");

        await File.WriteAllTextAsync(_directory + "/mine", "x", Job.Token);
        var job = Kept("stat -c %u:%g /data/mine /tmp; echo y > /data/made; stat -c %u /data/made; cat /etc/shadow 2> /dev/null || echo no").WithMount(Mount.Bind(_directory, "/data", readOnly: false));

        Assert.Equal($"{User}:{Group}\n{User}:{Group}\n{User}\nno\n", await Job.OutputOf(job));
        Assert.Equal(User, (await Job.OutputOf(Kept("stat -c %u /data/made").WithMount(Mount.Bind(_directory, "/data")))).Trim());
    }

    [Fact]
    public async Task WallsAreAsForAnyOther_AlsoForACommandThatJoins()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "an ordinary user's engine");

        await using var container = await Kept("sleep 30").WithSecurity(SecurityProfile.Untrusted with { UserNamespace = UserNamespace.KeepId }).StartAsync(Job.Token);
        var inside = await container.ExecAsync("/bin/sh", "-c", "id -u; cat /proc/self/status; readlink /proc/self/ns/user; mount -t tmpfs none /tmp 2> /dev/null || echo refused");

        Assert.StartsWith(User + "\n", inside.StandardOutput.Text, StringComparison.Ordinal);
        Assert.Contains("CapBnd:\t0000000000000000\n", inside.StandardOutput.Text, StringComparison.Ordinal);
        Assert.Contains("Seccomp:\t2\n", inside.StandardOutput.Text, StringComparison.Ordinal);
        Assert.EndsWith("refused\n", inside.StandardOutput.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(await Job.OutputOf(Job.Shell("readlink /proc/self/ns/user")), inside.StandardOutput.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnotherUser_CanBeNamed_WhereThereAreSeveral()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "an ordinary user's engine");

        var map = await Job.OutputOf(Kept("cat /proc/self/uid_map"));
        if (map.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length == 1)
        {
            Assert.Equal([User, "0", "1"], map.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
            Assert.Contains("does not have this id", (await Job.FailureOf(Kept("id").WithUser(0, 0))).Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal("0\n7\n", await Job.OutputOf(Kept("id -u; touch /tmp/f && chown 7 /tmp/f && stat -c %u /tmp/f").WithUser(0, 0)));
        }
    }

    [Theory]
    [InlineData(1000u, 65535u, "0 1 1000\n1000 0 1\n1001 1001 64535\n")]
    [InlineData(1u, 1u, "0 1 1\n1 0 1\n")]
    [InlineData(100000u, 65535u, "0 1 65535\n100000 0 1\n")]
    [InlineData(0u, 5u, "0 0 1\n1 1 5\n")]
    public void TheMap_IsWhole(uint own, uint count, string lines)
    {
        Assert.Equal(lines, KeptIds.Lines(own, count));
    }

    private static ContainerBuilder Kept(string script) => Job.Shell(script).WithUserNamespace(UserNamespace.KeepId);

    private static string Own(string field) => File.ReadLines("/proc/self/status").First(line => line.StartsWith(field, StringComparison.Ordinal)).Split('\t')[1];
}
