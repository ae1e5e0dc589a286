using System.Globalization;
using Containers.Egress;
using Containers.Features;
using Containers.Interop;
using Containers.Names;
using Containers.Netlink;
using Containers.Rtnetlink;

namespace Containers.Networks;

/// <summary>The networks of one container, from its start to its end.</summary>
internal sealed class NetworkSession(Container container, Action<NetworkSession> ended) : IFeatureSession, IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<Endpoint> _endpoints = [];
    private readonly ContainerGuard _guard = new(container.Id, NetworkFeature.Of(container.Spec).Egress, container.Engine.Logger);
    private readonly NetworkShape _shape = ShapeOf(NetworkFeature.Of(container.Spec));
    private NetworkNamespace? _space;
    private NetworkFiles? _files;
    private Task _turn = Task.CompletedTask;
    private (ulong Received, ulong Sent) _left;
    private ContainerNames? _names;
    private bool _isEnded;

    public Container Container => container;

    /// <summary>Its files that say where it is and whom it asks.</summary>
    public NetworkFiles Files
    {
        get
        {
            lock (_gate)
            {
                return _files ??= new NetworkFiles(this);
            }
        }
    }

    /// <summary>Connects or disconnects once what was begun before is through: an interface that goes has its name and the default route until it is gone.</summary>
    public Task<T> InTurnAsync<T>(Func<Task<T>> change)
    {
        lock (_gate)
        {
            var turn = AfterAsync(_turn, change);
            _turn = turn;
            return turn;
        }
    }

    /// <summary>What it is connected to, in the order of its interfaces.</summary>
    public IReadOnlyList<Endpoint> Endpoints
    {
        get
        {
            lock (_gate)
            {
                return [.. _endpoints];
            }
        }
    }

    /// <summary>What it is told of names, and by which it is found; null where it has been in no network of the engine.</summary>
    public ContainerNames? Names => _names;

    /// <summary>Gives it addresses on a network, before it starts.</summary>
    public Endpoint Reserve(BridgeNetwork network, NetworkAttachment attachment)
    {
        lock (_gate)
        {
            var endpoint = network.Reserve(container, attachment, NamesFor(network));
            endpoint.Interface = FreeInterface();
            _endpoints.Add(endpoint);
            return endpoint;
        }
    }

    public void Attach(FileDescriptor networkNamespace)
    {
        lock (_gate)
        {
            Enter(networkNamespace);
            foreach (var endpoint in _endpoints)
            {
                endpoint.Connect(_space!);
            }

            if (_endpoints.Count > 0)
            {
                Guard(_endpoints);
                Configure(_endpoints);
            }
        }
    }

    /// <summary>For a container that was started without: takes hold of its network.</summary>
    public void Enter(FileDescriptor networkNamespace)
    {
        var own = Libc.Duplicate(networkNamespace, Libc.FcntlDuplicateCloseOnExec, 0);
        _space = own.IsInvalid
            ? throw new NetworkException("keep hold of the network namespace of", container.Id, ErrnoNames.Last)
            : new NetworkNamespace(own);
    }

    /// <summary>Connects the running container to one more network.</summary>
    /// <exception cref="InvalidOperationException">It does not run.</exception>
    public Endpoint Connect(BridgeNetwork network, NetworkAttachment attachment)
    {
        lock (_gate)
        {
            if (_isEnded || _space is null)
            {
                throw new InvalidOperationException("The container does not run.");
            }

            var endpoint = network.Reserve(container, attachment, NamesFor(network));
            try
            {
                endpoint.Interface = FreeInterface();
                endpoint.Connect(_space);
                Guard([endpoint]);
                Configure([endpoint]);
            }
            catch
            {
                endpoint.Dispose();
                throw;
            }

            _endpoints.Add(endpoint);
            return endpoint;
        }
    }

    /// <summary>Takes the running container from a network. Completes when its interface is gone, and the way out leads elsewhere.</summary>
    /// <param name="network">The network.</param>
    /// <param name="leaving">Called while its addresses there are still its own, and it is no longer told to be there.</param>
    /// <returns>False: it is not connected to it.</returns>
    public async Task<bool> DisconnectAsync(BridgeNetwork network, Func<ValueTask> leaving)
    {
        Endpoint endpoint;
        bool wasWayOut;
        lock (_gate)
        {
            if (_endpoints.Find(candidate => candidate.Network == network) is not { } found)
            {
                return false;
            }

            endpoint = found;
            wasWayOut = WayOut == endpoint;
            _endpoints.Remove(endpoint);
            var counted = endpoint.Count();
            _left = (_left.Received + counted.Received, _left.Sent + counted.Sent);
        }

        try
        {
            await leaving().ConfigureAwait(false);
        }
        finally
        {
            await endpoint.LeaveAsync().ConfigureAwait(false);
        }

        lock (_gate)
        {
            if (wasWayOut && !_isEnded && WayOut is { } next)
            {
                Inside(next.AddWayOut);
            }
        }

        return true;
    }

    public ResourceUsage Count(ResourceUsage usage)
    {
        lock (_gate)
        {
            var (received, sent) = _left;
            foreach (var endpoint in _endpoints)
            {
                var counted = endpoint.Count();
                received += counted.Received;
                sent += counted.Sent;
            }

            return usage with { NetworkReceivedBytes = (long)received, NetworkSentBytes = (long)sent };
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_isEnded)
            {
                return;
            }

            _isEnded = true;
            _guard.Finish();
            foreach (var endpoint in _endpoints)
            {
                endpoint.Dispose();
            }

            _space?.Dispose();
        }

        ended(this);
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Whose gateway the default route leads to: the first that leads anywhere.</summary>
    private Endpoint? WayOut => _endpoints.Find(static endpoint => !endpoint.Network.IsInternal);

    private static async Task<T> AfterAsync<T>(Task previous, Func<Task<T>> change)
    {
        await previous.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        return await change().ConfigureAwait(false);
    }

    private static NetworkShape ShapeOf(NetworkFeature feature) => feature.Shape.AtMost(feature.Egress?.BytesPerSecond);

    /// <summary>What must be in force before anything goes through.</summary>
    private void Guard(IReadOnlyList<Endpoint> endpoints)
    {
        _guard.Add(endpoints);
        if (_guard.Session is { } session)
        {
            _names?.Observe(session);
            _ = container.Engine.Networks.EgressSessions.TryAdd(container, session);
        }

        foreach (var endpoint in endpoints)
        {
            endpoint.Network.Shape(endpoint.Port, _shape);
        }
    }

    private ContainerNames NamesFor(BridgeNetwork network) => _names ??= network.NewNames(NetworkFeature.Of(container.Spec));

    private void Configure(List<Endpoint> endpoints)
    {
        var wayOut = WayOut ?? endpoints.Find(static endpoint => !endpoint.Network.IsInternal);
        Inside(inside =>
        {
            foreach (var endpoint in endpoints)
            {
                endpoint.Configure(inside, endpoint == wayOut, _shape);
            }
        });
    }

    private void Inside(Action<RouteClient> work) => _space!.Run(() =>
    {
        using var inside = RouteClient.OpenBriefly();
        work(inside);
        return true;
    });

    private string FreeInterface()
    {
        for (var number = 0; ; number++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"eth{number}");
            if (!_endpoints.Exists(endpoint => endpoint.Interface == name))
            {
                return name;
            }
        }
    }
}
