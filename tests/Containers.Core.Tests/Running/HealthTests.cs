namespace Containers.Tests.Running;

/// <summary>What a health check says is what its command, run in the container, says.</summary>
[Trait("Category", "Rootless")]
public sealed class HealthTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task AContainer_IsHealthyOnceItsCheckSucceeds_AndUnhealthyOnceItHasFailedOften()
    {
        var check = HealthCheck.Shell("echo looked; test -e /tmp/ready") with { Interval = Soon, Retries = 2, StartPeriod = TimeSpan.FromMinutes(1), StartInterval = Soon };
        await using var container = await Job.InBusybox("read line; touch /tmp/ready; read line; rm /tmp/ready; exec sleep 60").WithHealthCheck(check).StartAsync(Job.Token);
        Assert.Equal(HealthStatus.Starting, container.Health);
        while (container.LastHealthCheck is not { ExitCode: 1, Output: "looked\n" })
        {
            await Task.Delay(10, Job.Token);
        }

        // Failures of the start do not count.
        Assert.Equal(HealthStatus.Starting, container.Health);
        await container.StandardInput.WriteAsync("go\n"u8.ToArray(), Job.Token);
        await container.WaitForHealthyAsync(Job.Token).WaitAsync(Patience, Job.Token);
        Assert.Equal((HealthStatus.Healthy, true), (container.Health, container.LastHealthCheck!.IsSuccess));

        await container.StandardInput.WriteAsync("go\n"u8.ToArray(), Job.Token);
        await UntilAsync(container, HealthStatus.Unhealthy);
        Assert.True(container.IsRunning);
        var reason = await Assert.ThrowsAsync<ContainerException>(() => container.WaitForHealthyAsync(Job.Token));
        Assert.Contains("exited with 1: looked", reason.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ACheckThatTakesTooLong_OrCannotBeRun_HasFailed()
    {
        var slow = HealthCheck.Shell("echo waits; exec sleep 60") with { Interval = Soon, Timeout = TimeSpan.FromMilliseconds(200), Retries = 1 };
        await using var container = await Job.InBusybox("exec sleep 60").WithHealthCheck(slow).StartAsync(Job.Token);
        await UntilAsync(container, HealthStatus.Unhealthy);
        Assert.Contains("longer than 00:00:00.2", container.LastHealthCheck!.Output, StringComparison.Ordinal);
        Assert.Contains("waits", container.LastHealthCheck.Output, StringComparison.Ordinal);

        await using var other = await Job.InBusybox("exec sleep 60").WithHealthCheck(new HealthCheck("/no/such/program") { Interval = Soon, Retries = 1 }).StartAsync(Job.Token);
        await UntilAsync(other, HealthStatus.Unhealthy);
        Assert.Contains("/no/such/program", other.LastHealthCheck!.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhoWaits_IsToldOfTheEnd_AndOfNoCheckAtAll()
    {
        await using var container = await Job.InBusybox("read line").WithHealthCheck(new HealthCheck("false") { Interval = TimeSpan.FromMinutes(1) }).StartAsync(Job.Token);
        var waiting = container.WaitForHealthyAsync(Job.Token);
        await container.StandardInput.CompleteAsync();
        var reason = await Assert.ThrowsAsync<ContainerException>(() => waiting.WaitAsync(Patience, Job.Token));
        Assert.Contains("has ended", reason.Message, StringComparison.Ordinal);

        await using var unchecked_ = await Job.InBusybox("exec sleep 60").WithHealthCheck(new HealthCheck("true")).WithoutHealthCheck().StartAsync(Job.Token);
        Assert.Equal(HealthStatus.None, unchecked_.Health);
        await Assert.ThrowsAsync<InvalidOperationException>(() => unchecked_.WaitForHealthyAsync(Job.Token));
    }

    [Fact]
    public void WhatCannotBe_IsRefusedAtTheCall()
    {
        Assert.Equal("command", Assert.Throws<ArgumentException>(static () => new HealthCheck()).ParamName);
        Assert.Equal("command", Assert.Throws<ArgumentException>(static () => new HealthCheck(string.Empty)).ParamName);
        Assert.Equal("Interval", Assert.Throws<ArgumentOutOfRangeException>(static () => new HealthCheck("true") { Interval = TimeSpan.Zero }).ParamName);
        Assert.Equal("Timeout", Assert.Throws<ArgumentOutOfRangeException>(static () => new HealthCheck("true") { Timeout = TimeSpan.FromDays(50) }).ParamName);
        Assert.Equal("StartPeriod", Assert.Throws<ArgumentOutOfRangeException>(static () => new HealthCheck("true") { StartPeriod = TimeSpan.FromSeconds(-1) }).ParamName);
        Assert.Equal("Retries", Assert.Throws<ArgumentOutOfRangeException>(static () => new HealthCheck("true") { Retries = 0 }).ParamName);
        Assert.Equal("check", Assert.Throws<ArgumentNullException>(static () => Job.Shell("true").WithHealthCheck(null!)).ParamName);
    }

    private static async Task UntilAsync(Container container, HealthStatus status)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Job.Token);
        patience.CancelAfter(Patience);
        while (container.Health != status)
        {
            await Task.Delay(10, patience.Token);
        }
    }
}
