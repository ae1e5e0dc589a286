using System.Text;
using Containers.Cgroups;
using Containers.Interop;
using Containers.Launch;
using Containers.Specification;
using Containers.Users;
using FsCheck.Xunit;

namespace Containers.Tests.Security;

/// <summary>
/// What a job, or a prepared root, decides the bytes of is read as any input is: a value, or the one exception that callers are
/// told of. Some thousand inputs for every change, millions with CONTAINERS_NIGHTLY=1.
/// </summary>
public sealed class HostileBytesTests
{
    private static readonly int Inputs = Environment.GetEnvironmentVariable("CONTAINERS_NIGHTLY") == "1" ? 100_000 : 200;

    private static readonly string[] Pieces =
    [
        "root:x:0:0:root:/root:/bin/sh\n", "a:b:c", ":", "::::::", "\n", "\r", "\0", "4294967295", "4294967296", "-1", "0x10", "１", "ada:x:1000:1000::/home/ada:/bin/sh\n",
        "staff:x:50:ada,root,ada\n", "\ud800", "usage_usec 12\n", "max", "oom_kill 1\n", "8:0 rbytes=1 wbytes=18446744073709551616\n", " ", "36 35 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "9223372036854775808",
    ];

    [Property(MaxTest = 20)]
    public void AccountFiles_GiveAUserOrARefusal(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < Inputs; i++)
        {
            var (passwd, group) = (Bytes(random), Bytes(random));
            foreach (var user in (UserSpec[])[UserSpec.Parse("ada", "user"), UserSpec.Parse("1000:staff", "user"), UserSpec.Parse("0", "user")])
            {
                try
                {
                    var resolved = UserResolver.Resolve(user, passwd, group);
                    Assert.StartsWith("/", resolved.HomeDirectory, StringComparison.Ordinal);
                    Assert.Contains(resolved.GroupId, resolved.Groups);
                }
                catch (ContainerException refused)
                {
                    Assert.NotEmpty(refused.Message);
                }
            }
        }
    }

    [Property(MaxTest = 20)]
    public void FilesOfTheKernel_GiveANumberOrNone(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < Inputs; i++)
        {
            var bytes = Bytes(random);
            KernelText.Number(bytes);
            KernelText.Keyed(bytes, "oom_kill"u8);
            KernelText.Nested(bytes, "rbytes"u8);
            KernelText.HasWord(bytes, "memory"u8);
        }
    }

    /// <summary>The page that a program's processes share with the host, as if one of them had written anything into it.</summary>
    [Property(MaxTest = 20)]
    public void TheSharedPage_GivesAStatus(int seed)
    {
        var random = new Random(seed);
        var builder = new ProgramBuilder();
        builder.Enter(SetupPhase.Execute);
        var attempts = ExecuteSteps.Execute(builder, ["/bin/a", "/bin/b"], ["a"], []);
        using var program = builder.Build();
        using var memfd = program.ToMemfd();
        for (var i = 0; i < Inputs; i++)
        {
            var page = new byte[1024];
            random.NextBytes(page.AsSpan(random.Next(1024)));
            Overwrite(memfd, page);
            var status = ProgramStatus.Load(memfd);
            _ = (status.Reached(LaunchPhase.Executing), status.WaitStatus, status.FailedErrno);
            LaunchFailure.Explain(program, status, attempts);
        }
    }

    private static byte[] Bytes(Random random)
    {
        var text = new StringBuilder();
        for (var i = random.Next(0, 12); i > 0; i--)
        {
            text.Append(Pieces[random.Next(Pieces.Length)]);
        }

        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        for (var i = random.Next(0, 4); i > 0 && bytes.Length > 0; i--)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        }

        return bytes;
    }

    private static void Overwrite(FileDescriptor memfd, byte[] page)
    {
        using var file = new FileStream($"/proc/self/fd/{memfd.Number}", FileMode.Open, FileAccess.Write);
        file.Write(page);
    }
}
