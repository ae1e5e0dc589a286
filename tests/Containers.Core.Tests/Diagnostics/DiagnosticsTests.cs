using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Containers.Tests.Running;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Containers.Tests.Diagnostics;

/// <summary>What the engine tells of the host and of its containers, and what it keeps to itself.</summary>
[Trait("Category", "Vm")]
[Trait("Category", "Rootless")]
public sealed class DiagnosticsTests
{
    private const string Secret = "s3cr3t-argument";

    [Fact]
    public async Task TheProbe_TriesEveryFeature()
    {
        await using var engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = Directory.CreateTempSubdirectory("containers-probe-").FullName });
        var report = await engine.ProbeAsync(Job.Token);

        Assert.True(report.CanRun, report.ToString());
        foreach (var name in (string[])["guardian", "mount namespace", "network namespace", "PID namespace", "time namespace", "tmpfs file system", "overlay file system", "container"])
        {
            Assert.True(report.Features.Single(feature => feature.Name == name).IsAvailable, report.ToString());
        }

        Assert.All(report.Features, feature => Assert.Contains(feature.Name, report.ToString(), StringComparison.Ordinal));
        Assert.All(report.Features, static feature => Assert.NotEmpty(feature.Detail));
        Assert.Equal(Environment.IsPrivilegedProcess, report.Features.Single(static feature => feature.Name == "root").IsAvailable);
        Assert.All(report.Features, static feature => Assert.True(feature.IsAvailable || feature.Remedy is not null || feature.Name == "device rules", feature.Name));
    }

    [Fact]
    public void Explain_ListsTheProgram()
    {
        var text = ContainerBuilder.FromHost().WithCommand("true").WithHostname("explained").Explain();

        Assert.Contains("pivot_root(\".\", \".\")", text, StringComparison.Ordinal);
        Assert.Contains("sethostname(\"explained\"", text, StringComparison.Ordinal);
        Assert.True(text.IndexOf("# NoNewPrivileges", StringComparison.Ordinal) < text.IndexOf("execve(", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Applications_GetAnEngineThatEndsWithThem()
    {
        ContainerEngine engine;
        await using (var provider = new ServiceCollection().AddContainers(static options =>
            options.StateDirectory = Directory.CreateTempSubdirectory("containers-di-").FullName).BuildServiceProvider())
        {
            engine = provider.GetRequiredService<ContainerEngine>();
            Assert.Same(engine, provider.GetRequiredService<ContainerEngine>());
            Assert.True((await engine.RunAsync(Job.Shell("true"), Job.Token)).IsSuccess);
        }

        await Assert.ThrowsAsync<ObjectDisposedException>(() => engine.RunAsync(Job.Shell("true"), Job.Token));
    }

    [Fact]
    public async Task TracesMetricsAndLogs_TellOutcomesAndNothingTheJobSays()
    {
        var activities = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "Containers",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activities.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        var measured = new ConcurrentQueue<string>();
        using var meters = new MeterListener();
        meters.InstrumentPublished = static (instrument, self) =>
        {
            if (instrument.Meter.Name == "Containers")
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        meters.SetMeasurementEventCallback<long>((instrument, _, _, _) => measured.Enqueue(instrument.Name));
        meters.SetMeasurementEventCallback<double>((instrument, _, _, _) => measured.Enqueue(instrument.Name));
        meters.Start();
        using var log = new Log();
        await using var engine = new ContainerEngine(new ContainerEngineOptions
        {
            StateDirectory = Directory.CreateTempSubdirectory("containers-log-").FullName,
            LoggerFactory = log,
        });

        await engine.RunAsync(Job.Shell($"echo {Secret}; exit 3").WithName("traced").WithEnvironment("S", Secret), Job.Token);
        await Assert.ThrowsAsync<ContainerException>(() => engine.RunAsync(ContainerBuilder.FromHost().WithCommand("no-such-command").WithName("failed"), Job.Token));

        var traced = activities.Single(static activity => (string?)activity.GetTagItem("container.name") == "traced");
        Assert.Equal("Exited", traced.GetTagItem("container.outcome"));
        Assert.Equal(3, traced.GetTagItem("process.exit.code"));
        Assert.Equal("/bin/sh", traced.GetTagItem("container.command"));
        Assert.DoesNotContain(Secret, string.Join(' ', traced.TagObjects), StringComparison.Ordinal);
        Assert.Equal(ActivityStatusCode.Error, activities.Single(static activity => (string?)activity.GetTagItem("container.name") == "failed").Status);
        Assert.Superset(new HashSet<string> { "container.cpu.time", "container.uptime", "containers.ended" }, measured.ToHashSet());
        Assert.Contains(log.Lines, static line => line.Contains("ended as Exited with exit code 3", StringComparison.Ordinal));
        Assert.DoesNotContain(log.Lines, static line => line.Contains(Secret, StringComparison.Ordinal));
    }

    private sealed class Log : ILoggerFactory, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
