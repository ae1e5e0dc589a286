using Containers.Processes;

namespace Containers.Tests.Processes;

public class LiveOutputTests
{
    /// <summary>
    /// The consumer catches up in the moment in which the job ends: that it has is told on another thread, while all that is left makes the pipe
    /// wait for it again.
    /// </summary>
    [Fact]
    public async Task End_WhileTheConsumerCatchesUp_DeliversTheRest()
    {
        const int Length = 300_000;
        for (var round = 0; round < 200; round++)
        {
            var gate = new Lock();
            var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var buffer = new OutputBuffer(Length);
            buffer.Append(new byte[Length]);
            LiveOutput live = null!;
            live = new LiveOutput(buffer, () =>
            {
                lock (gate)
                {
                    live.Resume();
                    live.Advance();
                    told.TrySetResult();
                }
            });
            long received;
            lock (gate)
            {
                live.Advance();
                Assert.True(live.IsWaiting);
                Assert.True(live.Reader.TryRead(out var first));
                received = first.Buffer.Length;
                live.Reader.AdvanceTo(first.Buffer.End);
                live.CompleteNow();
            }

            await told.Task.WaitAsync(TestContext.Current.CancellationToken);
            while (true)
            {
                var read = await live.Reader.ReadAsync(TestContext.Current.CancellationToken);
                received += read.Buffer.Length;
                live.Reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    break;
                }
            }

            Assert.Equal(Length, received);
        }
    }
}
