using System.Globalization;
using Containers.Interop;
using Containers.Launch;
using Containers.RootFilesystems;
using Containers.Specification;

namespace Containers.Tests.Running;

/// <summary>Roots of many layers, as images have them.</summary>
[Trait("Category", "Rootless")]
public sealed class LayeredRootTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("containers-layers-").FullName;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(150)]
    [InlineData(450)]
    public async Task LayersOnTopOfEachOther_AreOneRoot(int count)
    {
        var output = await Job.OutputOf(Builder(Layers(count), "echo /layer* | wc -w; cat /top; mkdir /new && echo x > /new/file && cat /new/file"));
        Assert.Equal($"{count}\n{count - 1}\nx\n", output);
    }

    [Fact]
    public async Task MoreLayersThanOptionsHold_AreRefusedWithTheReason()
    {
        var layers = Enumerable.Range(0, 1500).Select(i => i.ToString(CultureInfo.InvariantCulture)).ToArray();
        var failure = await Job.FailureOf(Builder(new LayersRoot(_directory, [.. layers]), "true"));
        Assert.Contains("too many layers", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Volumes_AreWritableWhereTheRootIsNot()
    {
        var builder = Builder(Layers(2), "cat /data/seed; touch /data/ok && ls /data; touch /no 2>&1; ls -d /made/deep").WithReadOnlyRoot();
        var spec = builder.Spec with { Volumes = ["/data", "/made/deep"] };
        var output = await Job.OutputOf(new ContainerBuilder(spec));
        Assert.StartsWith("seed\nok\nseed\n", output, StringComparison.Ordinal);
        Assert.Contains("Read-only file system", output, StringComparison.Ordinal);
        Assert.EndsWith("/made/deep\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheWritableLayer_CanBeReadAfterTheEnd()
    {
        await using var engine = new ContainerEngine();
        await using var container = await engine.StartAsync(Builder(Layers(2), "echo written > /tmp/file"), Job.Token);
        await container.WaitAsync(Job.Token);
        using var upper = Libc.OpenAt(container.WritableLayer!.Number, WritableLayer.RootUpper + "/tmp/file", Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        Assert.False(upper.IsInvalid);
        Assert.Equal("written\n", Read(upper));
    }

    [Fact]
    public async Task ARootThatIsResolved_CompletesTheDescription_AndIsLetGo()
    {
        var root = new UnresolvedRoot(Layers(1));
        var result = await new ContainerBuilder(new ContainerSpec { Root = root, Timeout = TimeSpan.FromSeconds(30) }).RunAsync(Job.Token);
        Assert.Equal("resolved\n", result.StandardOutput.Text);
        Assert.Equal(1, root.Released.Count);
        await Assert.ThrowsAsync<ContainerException>(() =>
            new ContainerBuilder(new ContainerSpec { Root = root, Command = ["/nothing"], Timeout = TimeSpan.FromSeconds(30) }).RunAsync(Job.Token));
        Assert.Equal(2, root.Released.Count);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static ContainerBuilder Builder(RootFilesystemSource root, string script) =>
        new ContainerBuilder(new ContainerSpec { Root = root }).WithCommand("/bin/sh", "-c", script).WithTimeout(TimeSpan.FromSeconds(60));

    private static unsafe string Read(FileDescriptor file)
    {
        Span<byte> text = stackalloc byte[64];
        fixed (byte* start = text)
        {
            return System.Text.Encoding.UTF8.GetString(text[..(int)Libc.Read(file, start, 64)]);
        }
    }

    /// <summary>The lowest has busybox; each has a file of its own, and one that all have.</summary>
    private LayersRoot Layers(int count)
    {
        var names = new List<string>();
        for (var i = 0; i < count; i++)
        {
            var name = i.ToString("x26", CultureInfo.InvariantCulture);
            var layer = Path.Combine(_directory, name);
            Directory.CreateDirectory(layer);
            File.WriteAllText($"{layer}/layer{i}", string.Empty);
            File.WriteAllText($"{layer}/top", $"{i}\n");
            names.Insert(0, name);
            if (i > 0)
            {
                continue;
            }

            foreach (var directory in (ReadOnlySpan<string>)["bin", "etc", "tmp", "data"])
            {
                Directory.CreateDirectory($"{layer}/{directory}");
            }

            File.WriteAllText($"{layer}/data/seed", "seed\n");
            File.Copy(Job.BusyboxDirectory + "/bin/busybox", $"{layer}/bin/busybox");
            foreach (var applet in (ReadOnlySpan<string>)["sh", "wc", "cat", "mkdir", "touch", "ls", "true"])
            {
                File.CreateSymbolicLink($"{layer}/bin/{applet}", "busybox");
            }
        }

        return new LayersRoot(_directory, [.. names]);
    }

    private sealed record LayersRoot(string Source, System.Collections.Immutable.ImmutableArray<string> Layers) : RootFilesystemSource
    {
        public override bool KeepsWritableLayer => true;

        public override RootPlan Plan() => new OverlayRootPlan(Source, Layers);

        public override byte[] ReadFile(string path) => [];
    }

    private sealed record UnresolvedRoot(LayersRoot Inner) : RootFilesystemSource
    {
        public Counter Released { get; } = new();

        public override bool NeedsResolving => true;

        public override async Task<ResolvedRoot> ResolveAsync(ContainerEngine engine, ContainerSpec spec, CancellationToken cancellationToken)
        {
            await Task.Yield();
            return new ResolvedRoot(spec with { Root = Inner, Command = spec.Command.IsEmpty ? ["/bin/sh", "-c", "echo resolved"] : spec.Command }, Released);
        }

        public override RootPlan Plan() => throw new InvalidOperationException();

        public override byte[] ReadFile(string path) => throw new InvalidOperationException();
    }

    private sealed class Counter : IAsyncDisposable
    {
        public int Count { get; private set; }

        public ValueTask DisposeAsync()
        {
            Count++;
            return default;
        }
    }
}
