namespace Containers.Tests.Running;

/// <summary>What cannot be done throws, names the step, the path and the remedy, and leaves nothing behind.</summary>
[Trait("Category", "Vm")]
[Trait("Category", "Rootless")]
[Collection(WholeHost.Name)]
public sealed class ErrorTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("containers-error-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task ACommandThatIsNotFound_NamesWhereItWasLookedFor()
    {
        var failure = await Job.FailureOf(ContainerBuilder.FromHost().WithCommand("no-such-command"));

        Assert.Equal("execute", failure.Step);
        Assert.Equal("no-such-command", failure.Path);
        Assert.Equal(2, failure.ErrorNumber);
        Assert.Contains("/usr/bin", failure.Message, StringComparison.Ordinal);
        Assert.Contains("PATH", failure.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("just text\n", 0x1A4, 13, "executable")] // 0644
    [InlineData("\0\0\0\0\0\0\0\0\0\0\0\0", 0x1ED, 8, "architecture")] // 0755
    [InlineData("#!/no/such/interpreter\n", 0x1ED, 2, "interpreter")]
    public async Task AFileThatCannotBeExecuted_SaysWhy(string content, int mode, int errno, string hint)
    {
        var failure = await Job.FailureOf(ContainerBuilder.FromHost().WithFile("/tmp/program", content, (UnixFileMode)mode).WithCommand("/tmp/program"));

        Assert.Equal(errno, failure.ErrorNumber);
        Assert.Equal("/tmp/program", failure.Path);
        Assert.Contains(hint, failure.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMissingWorkingDirectory_IsNamed()
    {
        var failure = await Job.FailureOf(Job.Shell("true").WithWorkingDirectory("/no/such/directory"));

        Assert.Equal("/no/such/directory", failure.Path);
        Assert.Contains("WithWorkingDirectory", failure.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnUnknownUser_IsNamed()
    {
        var failure = await Job.FailureOf(Job.Shell("true").WithUser("nobody-here"));

        Assert.Contains("nobody-here", failure.Message, StringComparison.Ordinal);
        Assert.Contains("/etc/passwd", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMissingMountSource_IsNamed()
    {
        var source = _directory.FullName + "/absent";
        var failure = await Job.FailureOf(Job.Shell("true").WithMount(Mount.Bind(source, "/data")));

        Assert.Equal(source, failure.Path);
        Assert.Equal(2, failure.ErrorNumber);
    }

    [Fact]
    public async Task ADirectoryOverAFile_IsExplained()
    {
        var failure = await Job.FailureOf(Job.Shell("true").WithFile("/target", "a file").WithMount(Mount.Bind(_directory.FullName, "/target")));

        Assert.Equal("/target", failure.Path);
        Assert.Equal(22, failure.ErrorNumber); // move_mount(2): EINVAL, not ENOTDIR
        Assert.Contains("directories on directories", failure.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMissingRoot_IsNamed()
    {
        var root = _directory.FullName + "/absent";
        Assert.Equal(root, (await Job.FailureOf(ContainerBuilder.FromDirectory(root).WithCommand("/bin/true"))).Path);
    }

    [Fact]
    public async Task NoCommand_IsExplained() =>
        Assert.Contains("WithCommand", (await Job.FailureOf(ContainerBuilder.FromHost())).Message, StringComparison.Ordinal);

    [Fact]
    public async Task StartAsync_ThrowsWhatRunAsyncThrows() => Assert.Equal("execute", (await Assert.ThrowsAsync<ContainerException>(
        () => ContainerBuilder.FromHost().WithCommand("no-such-command").StartAsync(Job.Token))).Step);

    [Fact]
    public async Task ANameInUse_IsRefusedAndFreeAgainLater()
    {
        var job = Job.Shell("sleep 30").WithName("only-one");
        await using (await job.StartAsync(Job.Token))
        {
            Assert.Contains("only-one", (await Job.FailureOf(job)).Message, StringComparison.Ordinal);
        }

        await using (await job.StartAsync(Job.Token))
        {
        }
    }

    [Fact]
    public async Task AfterErrors_NothingIsLeft()
    {
        await Job.OutputOf(Job.Shell("true"));
        var before = HostState.Take();
        for (var i = 0; i < 5; i++)
        {
            await ACommandThatIsNotFound_NamesWhereItWasLookedFor();
            await AMissingMountSource_IsNamed();
            await ADirectoryOverAFile_IsExplained();
            await AMissingRoot_IsNamed();
            await AMissingWorkingDirectory_IsNamed();
            await AnUnknownUser_IsNamed();
            await StartAsync_ThrowsWhatRunAsyncThrows();
        }

        await HostState.AssertUnchangedAsync(before);
    }
}
