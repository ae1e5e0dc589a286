using System.Globalization;
using Containers.Features;
using Containers.Interop;
using Containers.Specification;

namespace Containers.Tests.Running;

/// <summary>What another package does with a container's network is done before the job runs, and undone after its end, whatever that is.</summary>
[Trait("Category", "Rootless")]
public sealed class FeatureTests : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("containers-feature-").FullName;
    private readonly ContainerEngine _engine;

    public FeatureTests() => _engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = _directory });

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheJob_RunsInTheNetworkThatTheFeatureGot_OnceItHasReturned(bool init)
    {
        var feature = new Feature { Before = spec => spec with { HostsFile = "192.0.2.1\tsomebody\n", ResolverFile = "nameserver 192.0.2.2\n" }, CountsBytes = 42 };
        var job = With(Job.InBusybox("readlink /proc/self/ns/net; cat /etc/hosts /etc/resolv.conf"), feature);
        var running = _engine.RunAsync(init ? job.WithInit() : job, Job.Token);
        var network = await feature.Attached.Task.WaitAsync(TimeSpan.FromSeconds(20), Job.Token);
        Assert.False(await Task.WhenAny(running, Task.Delay(100, Job.Token)) == running);
        feature.Go.SetResult();
        var result = await running;

        Assert.Equal($"net:[{network.ToString(CultureInfo.InvariantCulture)}]\n192.0.2.1\tsomebody\nnameserver 192.0.2.2\n", result.StandardOutput.Text);
        Assert.Equal(42, result.Usage.NetworkReceivedBytes);
        Assert.Equal(1, feature.Ended);
    }

    [Fact]
    public async Task AContainerThatWasStarted_HasItUntilItsEnd()
    {
        var feature = Feature.Ready();
        await using var container = await _engine.StartAsync(With(Job.InBusybox("sleep 60"), feature), Job.Token);
        Assert.Equal(0, feature.Ended);
        Assert.Equal("hello\n", (await container.ExecAsync(["echo", "hello"], null, Job.Token)).StandardOutput.Text);
        await container.KillAsync(cancellationToken: Job.Token);
        Assert.Equal(1, feature.Ended);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OneThatComesLater_IsCountedAndEndedWithTheContainer(bool besideAnother)
    {
        var late = new Feature { CountsBytes = 7 };
        var first = Feature.Ready();
        await using var container = await _engine.StartAsync(With(Job.InBusybox("sleep 60"), besideAnother ? [first] : []), Job.Token);
        container.Add(late);
        Assert.Equal(7, (await container.GetUsageAsync(Job.Token)).NetworkReceivedBytes);
        Assert.False(late.Attached.Task.IsCompleted);
        await container.KillAsync(cancellationToken: Job.Token);
        Assert.Equal(7, (await container.WaitAsync(Job.Token)).Usage.NetworkReceivedBytes);
        Assert.Equal((1, besideAnother ? 1 : 0), (late.Ended, first.Ended));

        var tooLate = new Feature();
        Assert.Throws<InvalidOperationException>(() => container.Add(tooLate));
        Assert.Equal(0, tooLate.Ended);
    }

    [Fact]
    public async Task AFeatureThatFails_IsWhyThereIsNoContainer()
    {
        var first = Feature.Ready();
        var failing = new Feature { Fails = new ContainerException("the network is not there") };
        failing.Go.SetResult();
        var job = With(Job.InBusybox("sleep 60"), first, failing);

        Assert.Same(failing.Fails, await Assert.ThrowsAsync<ContainerException>(() => _engine.RunAsync(job, Job.Token)));
        Assert.Same(failing.Fails, await Assert.ThrowsAsync<ContainerException>(() => _engine.StartAsync(job, Job.Token)));
        Assert.Equal((2, 2), (first.Ended, failing.Ended));
    }

    [Fact]
    public async Task OneThatCannotBePrepared_GivesBackWhatOthersHave()
    {
        var first = Feature.Ready();
        var refused = new Feature { Before = static _ => throw new ContainerException("no address is left") };
        var fault = await Assert.ThrowsAsync<ContainerException>(() => _engine.RunAsync(With(Job.InBusybox("true"), first, refused), Job.Token));
        Assert.Equal("no address is left", fault.Message);
        Assert.Equal((1, 0), (first.Ended, refused.Ended));
        Assert.False(first.Attached.Task.IsCompleted);
    }

    [Fact]
    public async Task ASetUpThatFails_SaysWhy_AndGivesBackWhatTheyHave()
    {
        var feature = Feature.Ready();
        var fault = await Assert.ThrowsAsync<ContainerException>(() => _engine.RunAsync(With(Job.InBusybox("true").WithCommand("/no/such/command"), feature), Job.Token));
        Assert.Contains("/no/such/command", fault.Message, StringComparison.Ordinal);
        Assert.Equal(1, feature.Ended);

        var unlaunched = Feature.Ready();
        await Assert.ThrowsAsync<ContainerException>(() => _engine.RunAsync(With(Job.InBusybox("true").WithMount(Mount.Bind("/no/such/source", "/data")), unlaunched), Job.Token));
        Assert.Equal(1, unlaunched.Ended);
    }

    [Fact]
    public async Task ATokenThatIsCanceledMeanwhile_EndsTheContainer()
    {
        var feature = new Feature();
        using var source = new CancellationTokenSource();
        var running = _engine.RunAsync(With(Job.InBusybox("sleep 60"), feature), source.Token);
        await feature.Attached.Task.WaitAsync(TimeSpan.FromSeconds(20), Job.Token);
        await source.CancelAsync();
        feature.Go.SetResult();
        Assert.Equal(Outcome.Canceled, (await running).Outcome);
        Assert.Equal(1, feature.Ended);
    }

    private static ContainerBuilder With(ContainerBuilder job, params IContainerFeature[] features) => new(job.Spec with { Features = [.. features] });

    /// <summary>Waits to be let go, counts what it is asked for, and fails where it is to fail.</summary>
    private sealed class Feature : IContainerFeature, IFeatureSession
    {
        private int _ended;

        public Func<ContainerSpec, ContainerSpec> Before { get; init; } = static spec => spec;

        public Exception? Fails { get; init; }

        public long CountsBytes { get; init; }

        /// <summary>The inode of the namespace.</summary>
        public TaskCompletionSource<ulong> Attached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Go { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Ended => Volatile.Read(ref _ended);

        public static Feature Ready()
        {
            var feature = new Feature();
            feature.Go.SetResult();
            return feature;
        }

        public ValueTask<PreparedFeature> PrepareAsync(Container container, ContainerSpec spec, CancellationToken cancellationToken) => new(new PreparedFeature(Before(spec), this));

        public void Attach(FileDescriptor networkNamespace)
        {
            Assert.True(FileStatus.TryGet(networkNamespace, out var status));
            Attached.TrySetResult(status.Inode);
            Assert.True(Go.Task.Wait(TimeSpan.FromSeconds(20)));
            if (Fails is not null)
            {
                throw Fails;
            }
        }

        public ResourceUsage Count(ResourceUsage usage) => usage with { NetworkReceivedBytes = CountsBytes };

        public ValueTask DisposeAsync()
        {
            Interlocked.Increment(ref _ended);
            return default;
        }
    }
}
