using System.Collections.Concurrent;
using System.Diagnostics;
using Containers.Interop;
using Containers.Processes;

namespace Containers.Tests.Processes;

public sealed class ReactorTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ConcurrentQueue<Exception> _faults = new();
    private readonly Reactor _reactor;

    public ReactorTests() => _reactor = new Reactor(_faults.Enqueue);

    public void Dispose() => _reactor.Dispose();

    [Fact]
    public async Task Post_RunsOnTheReactorThreadInOrder()
    {
        var seen = new List<int>();
        var done = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        for (var i = 0; i < 1000; i++)
        {
            var number = i;
            _reactor.Post(() => seen.Add(number));
        }

        _reactor.Post(() => done.SetResult(_reactor.IsCurrent));
        Assert.True(await done.Task.WaitAsync(Patience));
        Assert.Equal(Enumerable.Range(0, 1000), seen);
        Assert.False(_reactor.IsCurrent);
    }

    [Fact]
    public async Task Post_ThatPostsItselfForeverStarvesNobody()
    {
        var stopped = false;
        void Again()
        {
            if (!Volatile.Read(ref stopped))
            {
                _reactor.Post(Again);
            }
        }

        _reactor.Post(Again);
        var pipe = JobPipe.ForOutput();
        var handler = new RecordingHandler();
        using var registration = _reactor.Register(pipe.HostEnd, EpollEvents.In, handler);
        var timer = new TaskCompletionSource();
        _reactor.Schedule(TimeSpan.FromMilliseconds(5), timer.SetResult);
        pipe.JobEnd.Dispose();
        await handler.First.WaitAsync(Patience);
        await timer.Task.WaitAsync(Patience);
        Volatile.Write(ref stopped, true);
        pipe.HostEnd.Dispose();
    }

    [Fact]
    public async Task Registration_ReportsReadinessAndHangUp()
    {
        var pipe = JobPipe.ForOutput();
        var handler = new RecordingHandler { StopAfter = 1 };
        handler.Registration = _reactor.Register(pipe.HostEnd, EpollEvents.In, handler);
        Write(pipe.JobEnd, "x"u8);
        Assert.Equal(EpollEvents.In, await handler.First.WaitAsync(Patience));

        var second = new RecordingHandler { StopAfter = 1 };
        second.Registration = _reactor.Register(pipe.HostEnd, EpollEvents.In, second);
        pipe.JobEnd.Dispose();
        Assert.True((await second.First.WaitAsync(Patience)).HasFlag(EpollEvents.In));
        pipe.HostEnd.Dispose();
    }

    [Fact]
    public async Task Modify_ToNoneSilencesEvenAHangUp()
    {
        var pipe = JobPipe.ForOutput();
        var handler = new RecordingHandler();
        using var registration = _reactor.Register(pipe.HostEnd, EpollEvents.None, handler);
        pipe.JobEnd.Dispose();
        await Task.Delay(50);
        Assert.Equal(0, handler.Calls);

        registration.Modify(EpollEvents.In);
        Assert.True((await handler.First.WaitAsync(Patience)).HasFlag(EpollEvents.HangUp));
        registration.Modify(EpollEvents.None);
        await RoundTrip();
        var calls = handler.Calls;
        await Task.Delay(50);
        Assert.Equal(calls, handler.Calls);
        pipe.HostEnd.Dispose();
    }

    [Fact]
    public async Task Dispose_OfARegistrationInTheSameBatchKeepsItsEventBack()
    {
        // Both pipes are ready before the reactor looks: whichever handler runs first removes the other.
        var first = JobPipe.ForOutput();
        var second = JobPipe.ForOutput();
        var a = new RemovingHandler();
        var b = new RemovingHandler();
        await OnReactor(() =>
        {
            a.Others = [_reactor.Register(second.HostEnd, EpollEvents.In, b)];
            b.Others = [_reactor.Register(first.HostEnd, EpollEvents.In, a)];
            Write(first.JobEnd, "x"u8);
            Write(second.JobEnd, "x"u8);
        });
        await RoundTrip();
        await RoundTrip();
        Assert.True(a.Calls == 0 ^ b.Calls == 0, $"{a.Calls} and {b.Calls} calls");
        foreach (var registration in a.Others.Concat(b.Others))
        {
            registration.Dispose();
            registration.Dispose();
        }

        CloseBoth(first);
        CloseBoth(second);
    }

    [Fact]
    public void Registration_KeepsTheDescriptorOpenUntilDisposed()
    {
        var pipe = JobPipe.ForOutput();
        var registration = _reactor.Register(pipe.HostEnd, EpollEvents.In, new RecordingHandler());
        var number = pipe.HostEnd.Number;
        pipe.HostEnd.Dispose();
        Assert.True(Directory.Exists("/proc/self/fd") && File.ResolveLinkTarget($"/proc/self/fd/{number}", false) is not null);
        registration.Dispose();
        pipe.JobEnd.Dispose();
        Assert.True(pipe.HostEnd.IsClosed);
    }

    [Fact]
    public async Task Handler_ThatThrowsIsRemovedReportedAndAbandoned()
    {
        var pipe = JobPipe.ForOutput();
        var handler = new ThrowingHandler();
        _reactor.Register(pipe.HostEnd, EpollEvents.In, handler);
        Write(pipe.JobEnd, "x"u8);
        var reason = await handler.Abandoned.Task.WaitAsync(Patience);
        Assert.Equal("handler", reason.Message);
        await RoundTrip();
        Assert.Equal(1, handler.Calls);
        Assert.Equal("handler", Assert.Single(_faults).Message);
        CloseBoth(pipe);
    }

    [Fact]
    public async Task FaultsOfPostsTimersAndTheSinkItselfDoNotEndTheThread()
    {
        using var reactor = new Reactor(_ => throw new InvalidOperationException("sink"));
        var survived = new TaskCompletionSource();
        reactor.Post(() => throw new InvalidOperationException("post"));
        reactor.Schedule(TimeSpan.Zero, () => throw new InvalidOperationException("timer"));
        reactor.Schedule(TimeSpan.FromMilliseconds(20), survived.SetResult);
        await survived.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task Timers_RunInOrderOfDueTimeThenOfScheduling()
    {
        var order = new ConcurrentQueue<int>();
        var done = new TaskCompletionSource();
        await OnReactor(() =>
        {
            _reactor.Schedule(TimeSpan.FromMilliseconds(60), () => { order.Enqueue(4); done.SetResult(); });
            _reactor.Schedule(TimeSpan.FromMilliseconds(20), () => order.Enqueue(2));
            _reactor.Schedule(TimeSpan.FromMilliseconds(40), () => order.Enqueue(3));
            _reactor.Schedule(TimeSpan.Zero, () => order.Enqueue(0));
            _reactor.Schedule(TimeSpan.FromTicks(1), () => order.Enqueue(1));
        });
        await done.Task.WaitAsync(Patience);
        Assert.Equal([0, 1, 2, 3, 4], order);
    }

    [Fact]
    public async Task Timers_AreNeverEarlyAndCancelledOnesNeverRun()
    {
        var random = new Random(1);
        var pending = new List<Task<TimeSpan>>();
        var cancelledRan = 0;
        for (var i = 0; i < 2000; i++)
        {
            var due = TimeSpan.FromMicroseconds(random.Next(200_000));
            if (i % 2 == 0)
            {
                var cancelled = _reactor.Schedule(due + TimeSpan.FromSeconds(1), () => Interlocked.Increment(ref cancelledRan));
                Assert.True(cancelled.Cancel());
                Assert.False(cancelled.Cancel());
            }

            var done = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
            var started = Stopwatch.GetTimestamp();
            _reactor.Schedule(due, () => done.SetResult(Stopwatch.GetElapsedTime(started) - due));
            pending.Add(done.Task);
        }

        foreach (var late in await Task.WhenAll(pending).WaitAsync(Patience))
        {
            Assert.True(late >= TimeSpan.Zero, $"{late} early");
        }

        await Task.Delay(1300);
        Assert.Equal(0, cancelledRan);
    }

    [Fact]
    public void Timer_AtTheEndOfTimeIsAccepted()
    {
        Assert.True(_reactor.Schedule(TimeSpan.MaxValue, () => { }).Cancel());
        Assert.Throws<ArgumentOutOfRangeException>(() => _reactor.Schedule(TimeSpan.FromTicks(-1), () => { }));
    }

    [Fact]
    public async Task IdleReactor_UsesNoProcessorTime()
    {
        _reactor.Schedule(TimeSpan.FromHours(1), () => { });
        await RoundTrip();
        var before = await ReactorSwitches();
        await Task.Delay(500);
        Assert.InRange(await ReactorSwitches() - before, 0, 5);
    }

    [Fact]
    public async Task ThousandsOfRegistrationsFromManyThreadsAllReport()
    {
        const int Threads = 8;
        const int Each = 100;
        var rounds = Enumerable.Range(0, Threads).Select(_ => Task.Run(async () =>
        {
            for (var round = 0; round < 5; round++)
            {
                var pipes = new JobPipe[Each];
                var handlers = new RecordingHandler[Each];
                for (var i = 0; i < Each; i++)
                {
                    pipes[i] = JobPipe.ForOutput();
                    handlers[i] = new RecordingHandler { StopAfter = 1 };
                    handlers[i].Registration = _reactor.Register(pipes[i].HostEnd, EpollEvents.In, handlers[i]);
                }

                foreach (var pipe in pipes)
                {
                    pipe.JobEnd.Dispose();
                }

                for (var i = 0; i < Each; i++)
                {
                    await handlers[i].First.WaitAsync(Patience);
                    handlers[i].Registration!.Dispose();
                    pipes[i].HostEnd.Dispose();
                }
            }
        }));
        await Task.WhenAll(rounds);
        Assert.Empty(_faults);
    }

    [Fact]
    public async Task Dispose_FinishesPostedWorkAbandonsHandlersAndRefusesMore()
    {
        var reactor = new Reactor(_faults.Enqueue);
        var pipe = JobPipe.ForOutput();
        var handler = new ThrowingHandler();
        var registration = reactor.Register(pipe.HostEnd, EpollEvents.In, handler);
        var ran = false;
        reactor.Post(() => ran = true);
        reactor.Dispose();
        reactor.Dispose();
        Assert.True(ran);
        Assert.IsType<ObjectDisposedException>(await handler.Abandoned.Task.WaitAsync(Patience));
        registration.Modify(EpollEvents.In);
        registration.Dispose();
        Assert.Throws<ObjectDisposedException>(() => reactor.Post(() => { }));
        Assert.Throws<ObjectDisposedException>(() => reactor.Register(pipe.HostEnd, EpollEvents.In, handler));
        Assert.Throws<ObjectDisposedException>(() => reactor.Schedule(TimeSpan.Zero, () => { }));
        CloseBoth(pipe);
        Assert.True(pipe.HostEnd.IsClosed);
    }

    [Fact]
    public async Task Dispose_RacingWithEverythingNeitherHangsNorThrowsAnythingElse()
    {
        for (var round = 0; round < 100; round++)
        {
            var reactor = new Reactor(_faults.Enqueue);
            var workers = Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
            {
                var pipe = JobPipe.ForOutput();
                try
                {
                    while (true)
                    {
                        using var registration = reactor.Register(pipe.HostEnd, EpollEvents.In, new RecordingHandler());
                        registration.Modify(EpollEvents.None);
                        reactor.Post(() => { });
                        reactor.Schedule(TimeSpan.FromMicroseconds(50), () => { }).Cancel();
                    }
                }
                catch (ObjectDisposedException)
                {
                }
                finally
                {
                    CloseBoth(pipe);
                }
            })).ToArray();
            await Task.Delay(round % 5);
            reactor.Dispose();
            await Task.WhenAll(workers).WaitAsync(Patience);
        }

        Assert.Empty(_faults);
    }

    [Fact]
    public void Register_OfAFileThatCannotBeWaitedForNamesTheError()
    {
        using var file = Libc.Open("/proc/self/exe", Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        var exception = Assert.Throws<ContainerException>(() => _reactor.Register(file, EpollEvents.In, new RecordingHandler()));
        Assert.Equal((int)Errno.EPERM, exception.ErrorNumber);
    }

    private static unsafe void Write(FileDescriptor fd, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            Assert.Equal(bytes.Length, Libc.Write(fd, start, (nuint)bytes.Length));
        }
    }

    private static void CloseBoth(JobPipe pipe)
    {
        pipe.HostEnd.Dispose();
        pipe.JobEnd.Dispose();
    }

    private Task RoundTrip() => OnReactor(() => { });

    private async Task OnReactor(Action work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _reactor.Post(() =>
        {
            work();
            done.SetResult();
        });
        await done.Task.WaitAsync(Patience);
    }

    private async Task<long> ReactorSwitches()
    {
        var line = string.Empty;
        await OnReactor(() => line = File.ReadLines("/proc/thread-self/status").First(l => l.StartsWith("voluntary_ctxt", StringComparison.Ordinal)));
        return long.Parse(line.Split('\t')[1]);
    }

    private sealed class RecordingHandler : IReactorHandler
    {
        private readonly TaskCompletionSource<EpollEvents> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _calls;

        public Task<EpollEvents> First => _first.Task;

        public int Calls => Volatile.Read(ref _calls);

        public int StopAfter { get; init; } = int.MaxValue;

        public ReactorRegistration? Registration { get; set; }

        public void OnReady(EpollEvents events)
        {
            if (Interlocked.Increment(ref _calls) >= StopAfter)
            {
                Registration?.Dispose();
            }

            _first.TrySetResult(events);
        }
    }

    private sealed class RemovingHandler : IReactorHandler
    {
        public ReactorRegistration[] Others { get; set; } = [];

        public int Calls { get; private set; }

        public void OnReady(EpollEvents events)
        {
            Calls++;
            foreach (var other in Others)
            {
                other.Dispose();
            }
        }
    }

    private sealed class ThrowingHandler : IReactorHandler
    {
        public TaskCompletionSource<Exception> Abandoned { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Calls { get; private set; }

        public void OnReady(EpollEvents events)
        {
            Calls++;
            throw new InvalidOperationException("handler");
        }

        public void OnAbandoned(Exception reason) => Abandoned.TrySetResult(reason);
    }
}
