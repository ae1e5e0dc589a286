using System.Net.Sockets;
using Containers.Interop;
using Containers.Launch;
using Containers.UserNetworks;
using Microsoft.Extensions.Logging;

namespace Containers.Rootless;

/// <summary>
/// Sockets of one kind in a container's network, a few of them ready, so that a connection does not wait for a process to make its socket.
/// What is taken is made up for in the background; where more are wanted than there were, more are kept.
/// </summary>
internal sealed class SocketStock(Guardian guardian, FileDescriptor networkNamespace, SocketKind kind, ILogger logger) : IAsyncDisposable
{
    /// <summary>How many are ready at first, of each kind: what a container costs that is hardly used.</summary>
    public const int First = 4;

    private readonly Lock _gate = new();
    private readonly Queue<FileDescriptor> _ready = new();
    private Task<bool>? _making;
    private int _batch = First;
    private bool _isDisposed;

    /// <summary>Adds one that was made; owned from here on.</summary>
    public void Add(FileDescriptor socket)
    {
        lock (_gate)
        {
            _ready.Enqueue(socket);
        }
    }

    /// <summary>One that is not connected and not bound, for the caller.</summary>
    /// <exception cref="SocketException">None can be made: the container has ended, or no descriptor is left.</exception>
    public async ValueTask<Socket> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task<bool> making;
            lock (_gate)
            {
                if (_isDisposed)
                {
                    throw new SocketException((int)SocketError.NetworkDown);
                }

                var isEmpty = _ready.Count == 0;
                if (_making is null && _ready.Count <= _batch / 2)
                {
                    _batch = isEmpty ? Math.Min(_batch * 2, NamespaceSockets.Most) : _batch;
                    _making = MakeAsync(_batch);
                }

                if (!isEmpty)
                {
                    return Adopt(_ready.Dequeue());
                }

                making = _making!;
            }

            if (!await making.WaitAsync(cancellationToken).ConfigureAwait(false))
            {
                throw new SocketException((int)SocketError.NetworkDown);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task? making;
        lock (_gate)
        {
            _isDisposed = true;
            making = _making;
            while (_ready.TryDequeue(out var socket))
            {
                socket.Dispose();
            }
        }

        if (making is not null)
        {
            await making.ConfigureAwait(false);
        }
    }

    /// <summary>False: it cannot be done, which was told.</summary>
    private async Task<bool> MakeAsync(int count)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        IReadOnlyList<FileDescriptor> made = [];
        try
        {
            made = await NamespaceSockets.OpenAsync(guardian, networkNamespace, [.. Enumerable.Repeat(kind, count)]).ConfigureAwait(false);
            return true;
        }
        catch (ContainerException fault)
        {
            if (!_isDisposed)
            {
                logger.NoSocketInside(fault);
            }

            return false;
        }
        finally
        {
            lock (_gate)
            {
                _making = null;
                foreach (var socket in made)
                {
                    if (_isDisposed)
                    {
                        socket.Dispose();
                    }
                    else
                    {
                        _ready.Enqueue(socket);
                    }
                }
            }
        }
    }

    private static Socket Adopt(FileDescriptor descriptor)
    {
        var handle = new SafeSocketHandle(descriptor.Number, ownsHandle: true);
        descriptor.SetHandleAsInvalid();
        return new Socket(handle);
    }
}
