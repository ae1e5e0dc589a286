using System.Threading.Channels;
using Containers.Rtnetlink;
using Microsoft.Extensions.Logging;

namespace Containers.Networks;

/// <summary>
/// Deletes the interfaces of containers that have ended, one after the other on a task of its own: the kernel lets nobody's packet be on
/// its way while it does, which takes milliseconds that no container's end should wait for. By a socket of its own: requests over one go one
/// after the other, and the next container's interface would wait.
/// </summary>
internal sealed class LinkRemoval : IDisposable
{
    private readonly Channel<Removal> _queue = Channel.CreateUnbounded<Removal>(new UnboundedChannelOptions { SingleReader = true });
    private readonly RouteClient _links = RouteClient.OpenBriefly();
    private readonly ILogger _logger;
    private readonly Task _worker;

    public LinkRemoval(ILogger logger)
    {
        _logger = logger;
        _worker = Task.Run(RunAsync);
    }

    /// <summary>Deletes an interface soon; what is its own is given back only then.</summary>
    /// <returns>Completes, without failing, when it is gone.</returns>
    public Task Add(string link, params IReadOnlyList<IDisposable?> then)
    {
        var removal = new Removal(link, then, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        if (!_queue.Writer.TryWrite(removal))
        {
            Delete(removal);
        }

        return removal.Done.Task;
    }

    /// <summary>Waits until all are gone.</summary>
    public void Dispose()
    {
        _ = _queue.Writer.TryComplete();
        _worker.GetAwaiter().GetResult();
        _links.Dispose();
    }

    private async Task RunAsync()
    {
        await foreach (var removal in _queue.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            Delete(removal);
        }
    }

    private void Delete(Removal removal)
    {
        try
        {
            // False where it has gone with the container's namespace already.
            _ = _links.Links.TryDelete(removal.Link);
        }
        catch (NetworkException fault)
        {
            _logger.NotRemoved(removal.Link, fault);
        }
        finally
        {
            foreach (var lease in removal.Then)
            {
                lease?.Dispose();
            }

            removal.Done.SetResult();
        }
    }

    private sealed record Removal(string Link, IReadOnlyList<IDisposable?> Then, TaskCompletionSource Done);
}
