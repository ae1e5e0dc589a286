using System.Diagnostics;
using Containers.Interop;
using Containers.Launch;
using Containers.Tests.Running;

namespace Containers.Tests.Launch;

/// <summary>The committed launcher against one built from its source: they do the same with the same programs.</summary>
public sealed class LauncherTests
{
    [Fact]
    public async Task TheCommittedLauncher_DoesWhatItsSourceDoes()
    {
        var source = FindSource();
        Assert.SkipUnless(source is not null, "the sources are not here");
        Assert.SkipUnless(File.Exists("/usr/bin/x86_64-linux-gnu-gcc"), "there is no C compiler");
        var directory = Directory.CreateTempSubdirectory("containers-launcher-");
        try
        {
            using var build = Process.Start(Path.Combine(source, "build.sh"), [directory.FullName]);
            await build.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, build.ExitCode);
            using var rebuilt = Libc.Open(Path.Combine(directory.FullName, "launcher-x64"), Libc.OpenReadOnly | Libc.OpenCloseOnExec);
            using var committed = LauncherImage.Create(Path.GetTempPath());
            foreach (var program in Programs())
            {
                Assert.Equal(Observe(committed, program), Observe(rebuilt, program));
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public void TheLauncher_IsSmallAndSealed()
    {
        using var image = LauncherImage.Create(Path.GetTempPath());
        Assert.InRange(new FileInfo($"/proc/self/fd/{image.Number}").Length, 1, 8 << 10);
        Assert.ThrowsAny<SystemException>(() => File.WriteAllText($"/proc/self/fd/{image.Number}", "overwritten"));
        Assert.Equal(0x7f, File.ReadAllBytes($"/proc/self/fd/{image.Number}")[0]);
    }

    /// <summary>vm.memfd_noexec belongs to a PID namespace and can only be raised there, so the host runs in one of its own.</summary>
    [Fact]
    public async Task WhereMemfdsCannotBeExecuted_TheLauncherIsAFile()
    {
        const string Setting = "/proc/sys/vm/memfd_noexec";
        Assert.SkipUnless(File.Exists(Setting), "the kernel is older than 6.3");
        var state = Directory.CreateTempSubdirectory("containers-noexec-");
        using var host = DyingHost.Start("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
            $"echo 2 > {Setting} && exec \"$0\" \"$@\"", DyingHost.Program, state.FullName, "init");

        Assert.Equal("ran with an init", await host.ReadLineAsync());
    }

    /// <summary>The committed one, with an emulator in place of the machine: results, ignored errors, jumps, asserts and failures.</summary>
    [Fact]
    public async Task TheLauncherForArm64_RunsThere()
    {
        const string Emulator = "/usr/bin/qemu-aarch64-static";
        Assert.SkipUnless(File.Exists(Emulator), "qemu-user-static is not installed");
        var directory = Directory.CreateTempSubdirectory("containers-arm64-");
        try
        {
            var launcher = Path.Combine(directory.FullName, "launcher");
            await using (var file = File.Create(launcher))
            {
                await typeof(LauncherImage).Assembly.GetManifestResourceStream("launcher-arm64")!.CopyToAsync(file, TestContext.Current.CancellationToken);
            }

            File.SetUnixFileMode(launcher, (UnixFileMode)0x1ED);
            Assert.Equal((42, null, Errno.None, "written"), await RunAsync(static builder =>
            {
                var after = new Jump();
                builder.Call(OnArm64(SystemCall.OpenAt), "open", "/no/such", Libc.AtFdCwd, builder.Text("/no/such"), 0, 0).Ignoring(Errno.ENOENT).OrJumpTo(after);
                builder.Call(OnArm64(SystemCall.ExitGroup), "exit", null, 1);
                builder.Land(after);
                builder.Call(OnArm64(SystemCall.Write), "write", null, 1, builder.Text("written"), 7);
                builder.Call(OnArm64(SystemCall.ExitGroup), "exit", null, 42);
            }));
            Assert.Equal((LauncherFormat.ExitFailed, 0, Errno.ENOENT, ""), await RunAsync(static builder =>
                builder.Call(OnArm64(SystemCall.OpenAt), "open", "/no/such", Libc.AtFdCwd, builder.Text("/no/such"), 0, 0)));
            Assert.Equal((LauncherFormat.ExitFailed, 0, Errno.EXDEV, ""), await RunAsync(static builder =>
                builder.Add(StepOperation.Assert, "verify", null, (long)builder.Reserve(8), 1, 1, (long)Errno.EXDEV)));

            async Task<(int Code, int? Step, Errno Errno, string Output)> RunAsync(Action<ProgramBuilder> write)
            {
                var builder = new ProgramBuilder();
                write(builder);
                using var program = builder.Build();
                using var memfd = program.ToMemfd();
                var path = Path.Combine(directory.FullName, "program");
                File.Copy($"/proc/self/fd/{memfd.Number}", path, overwrite: true);
                using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("/bin/sh", ["-c", $"exec {Emulator} \"$0\" 3<> \"$1\"", launcher, path])
                {
                    RedirectStandardOutput = true,
                    UseShellExecute = false,
                })!;
                var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
                await process.WaitForExitAsync(TestContext.Current.CancellationToken);
                using var left = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenCloseOnExec);
                var status = ProgramStatus.Load(left);
                return (process.ExitCode, status.FailedStep, status.FailedErrno, output);
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static SystemCall OnArm64(SystemCall call) => call with { X64 = call.Arm64 };

    [Fact]
    public void AFailure_TellsStepAndErrno()
    {
        using var image = LauncherImage.Create(Path.GetTempPath());
        Assert.Equal((1, Errno.ENOENT, 0L), Observe(image, builder =>
        {
            builder.Add(StepOperation.Phase, "begin", null, 0);
            builder.Call(SystemCall.OpenAt, "open", "/no/such", Libc.AtFdCwd, builder.Text("/no/such"), 0, 0);
            return builder.NewSharedCell();
        }));
    }

    /// <summary>Results, cells, ignored errors, jumps, asserts, and failures of each kind.</summary>
    private static IEnumerable<Func<ProgramBuilder, SharedCell>> Programs()
    {
        yield return static builder =>
        {
            var cell = builder.NewSharedCell();
            builder.Call(SystemCall.ChangeDirectory, "enter", "/no/such", builder.Text("/no/such")).Into(cell.Cell).Ignoring(Errno.ENOENT);
            return cell;
        };
        yield return static builder =>
        {
            var (cell, end) = (builder.NewSharedCell(), new Jump());
            builder.Call(SystemCall.ChangeDirectory, "enter", "/", builder.Text("/")).Into(cell.Cell);
            builder.JumpIfZero(cell.Cell, end);
            builder.Add(StepOperation.Fail, "not jump", null, 1);
            builder.Land(end);
            builder.Call(SystemCall.SetUmask, "umask", null, 0x12).Into(cell.Cell);
            builder.Call(SystemCall.SetUmask, "umask", null, cell.Cell).Into(cell.Cell);
            return cell;
        };
        yield return static builder =>
        {
            var cell = builder.NewSharedCell();
            var data = builder.Reserve(8);
            builder.Add(StepOperation.Assert, "find", "nothing", (long)data, 0xff, 1, (long)Errno.EXDEV);
            return cell;
        };
        yield return static builder =>
        {
            builder.Call(SystemCall.Close, "close", null, 999);
            return builder.NewSharedCell();
        };
    }

    private static (int? FailedStep, Errno Errno, long Result) Observe(FileDescriptor launcher, Func<ProgramBuilder, SharedCell> write)
    {
        var builder = new ProgramBuilder();
        var cell = write(builder);
        using var program = builder.Build();
        using var memfd = program.ToMemfd();
        using var socket = LauncherSocket.CreatePair(out var other);
        using (other)
        {
            LauncherProcess.Reap(LauncherProcess.Start(launcher, memfd, other));
        }

        var status = ProgramStatus.Load(memfd);
        return (status.FailedStep, status.FailedErrno, status.Read(cell));
    }

    private static string? FindSource()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "eng/launcher/build.sh")))
            {
                return Path.Combine(directory.FullName, "eng/launcher");
            }
        }

        return null;
    }
}
