using Containers.Features;
using Containers.Interop;
using Containers.Networks;
using Containers.Rootless;

namespace Containers.Ports;

/// <summary>The published ports of one container, from before its launch to its end. They lead to the first of its networks that is not internal.</summary>
internal sealed class PortSession : IFeatureSession
{
    private readonly Container _container;
    private readonly EnginePorts _engine;
    private readonly PublishedPorts _ports;
    private readonly SemaphoreSlim _turn = new(1);
    private Endpoint? _target;
    private bool _isEnded;

    private PortSession(Container container, EnginePorts engine, PublishedPorts ports)
    {
        _container = container;
        _engine = engine;
        _ports = ports;
    }

    public IReadOnlyList<PublishedPort> Ports => _ports.Ports;

    public static string NameOf(Container container) => container.Name ?? container.Id[..12];

    /// <exception cref="NetworkException">A port cannot be had.</exception>
    public static PortSession Reserve(Container container, EnginePorts engine, IEnumerable<PortMapping> mappings, bool isUser)
    {
        var session = new PortSession(container, engine, PublishedPorts.Reserve(engine, NameOf(container), mappings, isUser));
        engine.Add(container, session);
        return session;
    }

    public void Attach(FileDescriptor networkNamespace)
    {
        _turn.Wait();
        try
        {
            if (UserNetwork.Of(_container.Engine).Find(_container) is { } alone)
            {
                _ports.PassInside(UserSession.Inside, alone);
            }
            else
            {
                Publish(Target());
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The container has come to a network, or is about to leave one, whose addresses others can get then.</summary>
    /// <exception cref="NetworkException">The kernel refuses the rules.</exception>
    public async ValueTask FollowAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            var target = Target();
            if (!_isEnded && target != _target)
            {
                _target = null;
                await _ports.WithdrawAsync().ConfigureAwait(false);
                Publish(target);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    public ResourceUsage Count(ResourceUsage usage) => usage;

    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            _isEnded = true;
            _engine.Remove(_container);
            await _ports.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    private Endpoint? Target() => _container.Engine.Networks.EndpointsOf(_container).FirstOrDefault(static endpoint => !endpoint.Network.IsInternal);

    private void Publish(Endpoint? target)
    {
        if (target is not null)
        {
            target.Network.LeadTo(target.Port);
            _ports.Publish(_container.Engine.Networks.Firewall!, target.Address4, target.Address6);
            _target = target;
        }
    }
}
