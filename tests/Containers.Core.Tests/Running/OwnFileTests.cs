namespace Containers.Tests.Running;

/// <summary>Files of the engine's in a container are changed while it runs, with no more than the container's own rights.</summary>
[Trait("Category", "Rootless")]
[Trait("Category", "Vm")]
[Collection(WholeHost.Name)]
public sealed class OwnFileTests : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("containers-file-").FullName;
    private readonly ContainerEngine _engine;

    public OwnFileTests() => _engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = _directory + "/state" });

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task File_IsChangedInPlace(bool readOnly)
    {
        var job = Job.InBusybox("exec 3< /etc/hosts; sleep 60");
        await using var container = await _engine.StartAsync(readOnly ? job.WithReadOnlyRoot() : job, Job.Token);
        var before = await InAsync(container, "stat -c %i:%a /etc/hosts");
        foreach (var text in new[] { "longer than it was: " + new string('x', 5000) + "\n", "short\n", string.Empty, "bytes \u00ff\u0080\n" })
        {
            await container.EditFileAsync("/etc/hosts", _ => text);
            Assert.Equal(Convert.ToHexStringLower(System.Text.Encoding.Latin1.GetBytes(text)), (await InAsync(container, "hexdump -ve '1/1 \"%02x\"' /etc/hosts")).Trim());
        }

        Assert.Equal(before, await InAsync(container, "stat -c %i:%a /etc/hosts"));

        // Who had it open has the new content: it is the same file.
        Assert.Equal(await InAsync(container, "cat /etc/hosts | wc -c"), await InAsync(container, "cat /proc/1/fd/3 | wc -c"));
    }

    [Fact]
    public async Task File_ThatIsNotTheEnginesIsNotAskedAbout()
    {
        await File.WriteAllTextAsync(_directory + "/own", "own\n", Job.Token);
        await using var container = await _engine.StartAsync(
            Job.InBusybox("sleep 60").WithFile("/etc/hosts", "user\n").WithMount(Mount.Bind(_directory + "/own", "/etc/resolv.conf", readOnly: false)), Job.Token);
        await container.EditFileAsync("/etc/hosts", static _ => throw new InvalidOperationException("asked"));
        await container.EditFileAsync("/etc/resolv.conf", static _ => throw new InvalidOperationException("asked"));
        await container.EditFileAsync("/etc/nothing", static _ => throw new InvalidOperationException("asked"));
        Assert.Equal("user\nown\n", await InAsync(container, "cat /etc/hosts /etc/resolv.conf"));
    }

    [Fact]
    public async Task File_OfContainersThatShareMountsIsTheirOwners()
    {
        await using var owner = await _engine.StartAsync(Job.InBusybox("sleep 60"), Job.Token);
        await using var guest = await _engine.StartAsync(Job.InBusybox("sleep 60").WithNamespace(NamespaceKind.Mount, owner), Job.Token);
        await guest.EditFileAsync("/etc/hosts", static _ => throw new InvalidOperationException("asked"));
        await owner.EditFileAsync("/etc/hosts", static _ => "the owner's\n");
        Assert.Equal("the owner's\n", await InAsync(guest, "cat /etc/hosts"));
    }

    [Fact]
    public async Task File_OfAContainerThatHasEndedIsRefused()
    {
        await using var container = await _engine.StartAsync(Job.InBusybox("sleep 60"), Job.Token);
        await container.KillAsync(cancellationToken: Job.Token);
        await Assert.ThrowsAsync<InvalidOperationException>(() => container.EditFileAsync("/etc/hosts", static text => text));
    }

    [Fact]
    public async Task File_ThatIsTooLargeIsNotRead()
    {
        await using var container = await _engine.StartAsync(Job.InBusybox("sleep 60"), Job.Token);
        await InAsync(container, "truncate -s 2M /etc/hosts");
        var fault = await Assert.ThrowsAsync<ContainerException>(() => container.EditFileAsync("/etc/hosts", static text => text));
        Assert.Contains("change /etc/hosts: EFBIG", fault.Message, StringComparison.Ordinal);
        Assert.Equal("2097152\n", await InAsync(container, "stat -c %s /etc/hosts"));
    }

    [Fact]
    public async Task Editing_HoldsNothing()
    {
        await using var container = await _engine.StartAsync(Job.InBusybox("sleep 60"), Job.Token);
        await container.EditFileAsync("/etc/hosts", static text => text + "#\n");
        var before = Directory.GetFiles("/proc/self/fd").Length;
        for (var i = 0; i < 20; i++)
        {
            await container.EditFileAsync("/etc/hosts", static text => text + "#\n");
        }

        Assert.InRange(Directory.GetFiles("/proc/self/fd").Length, 0, before + 3);
        Assert.Equal("21\n", await InAsync(container, "grep -c '^#$' /etc/hosts"));
    }

    private static async Task<string> InAsync(Container container, string script)
    {
        var result = await container.ExecAsync(["/bin/sh", "-c", script], null, Job.Token);
        Assert.True(result.IsSuccess, $"{script}: {result.StandardError.Text}");
        return result.StandardOutput.Text;
    }
}
