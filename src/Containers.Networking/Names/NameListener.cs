using System.Net.Sockets;

namespace Containers.Names;

/// <summary>Takes queries from a socket until its end, and waits then for what is under way.</summary>
internal abstract class NameListener : IAsyncDisposable
{
    /// <summary>Where the kernel has no memory or no descriptor for the moment, nothing tells when it has again.</summary>
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource _end = new();
    private Task _loop = Task.CompletedTask;

    /// <param name="socket">Closed with this object.</param>
    /// <param name="zone">Whom it serves, and what they see.</param>
    /// <param name="responder">Answers what is not known here.</param>
    protected NameListener(Socket socket, NameZone zone, NameResponder responder)
    {
        (Socket, Zone, Responder) = (socket, zone, responder);
        End = _end.Token;
    }

    protected Socket Socket { get; }

    protected NameZone Zone { get; }

    protected NameResponder Responder { get; }

    /// <summary>Comes with this object's end.</summary>
    protected CancellationToken End { get; }

    /// <summary>What goes on beside the taking.</summary>
    protected PendingWork Pending { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        await Pending.CompleteAsync().ConfigureAwait(false);
        Socket.Dispose();
        _end.Dispose();
    }

    /// <summary>Begins, once everything is there.</summary>
    protected void Start() => _loop = Task.Run(RunAsync);

    /// <summary>Takes some, as they come; others of the pool have their turn after it.</summary>
    protected abstract ValueTask TakeAsync();

    private async Task RunAsync()
    {
        while (!End.IsCancellationRequested)
        {
            try
            {
                await TakeAsync().ConfigureAwait(false);
                await Task.Yield();
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(Breath, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }
}
