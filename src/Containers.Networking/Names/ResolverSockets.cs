using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Containers.Names;

/// <summary>
/// Sockets to ask resolvers by, each by one question at a time. To make one costs more than to ask, so where many questions are asked one is used
/// again: any of many, by chance, so that who has seen one port does not know the next one's, and not for long, as an open port can be found
/// (CVE-2020-25705). With fewer questions each has a port of its own.
/// </summary>
internal sealed class ResolverSockets : IDisposable
{
    /// <summary>One is used again if there are so many to choose from.</summary>
    public const int FewestChoices = 32;

    private const int MostIdle = 128;

    /// <summary>Milliseconds; no longer than a question to a silent resolver keeps a port open.</summary>
    private const int Lifetime = 1000;

    private readonly int _lifetime;
    private readonly Lock _lock = new();
    private readonly List<ResolverSocket> _idle = new(MostIdle);
    private readonly Timer _sweep;
    private bool _isDisposed;

    /// <param name="lifetime">Milliseconds for which one is used.</param>
    public ResolverSockets(int lifetime = Lifetime)
    {
        _lifetime = lifetime;
        _sweep = new Timer(static sockets => ((ResolverSockets)sockets!).Sweep(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>How many wait to be used again.</summary>
    public int Idle
    {
        get
        {
            lock (_lock)
            {
                return _idle.Count;
            }
        }
    }

    /// <summary>One for a question to the server. Whoever takes it gives it back or disposes it.</summary>
    /// <exception cref="SocketException">There is no way to the server, or no descriptor is left.</exception>
    public ResolverSocket Take(IPEndPoint server)
    {
        lock (_lock)
        {
            if (_idle.Count >= FewestChoices)
            {
                var chosen = RandomNumberGenerator.GetInt32(_idle.Count);
                var socket = _idle[chosen];
                if (socket.Server.Equals(server))
                {
                    _idle[chosen] = _idle[^1];
                    _idle.RemoveAt(_idle.Count - 1);
                    if (socket.Age < _lifetime)
                    {
                        return socket;
                    }

                    socket.Dispose();
                }
            }
        }

        return new ResolverSocket(server);
    }

    /// <summary>Gives one back by which the answer has come, and nothing else.</summary>
    public void Return(ResolverSocket socket)
    {
        lock (_lock)
        {
            if (!_isDisposed && _idle.Count < MostIdle && socket.Age < _lifetime)
            {
                _idle.Add(socket);
                if (_idle.Count == 1)
                {
                    _sweep.Change(_lifetime, Timeout.Infinite);
                }

                return;
            }
        }

        socket.Dispose();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _idle.ForEach(static socket => socket.Dispose());
            _idle.Clear();
        }

        _sweep.Dispose();
    }

    /// <summary>Closes those that are not used again, and comes again while there are any.</summary>
    private void Sweep()
    {
        lock (_lock)
        {
            _idle.RemoveAll(socket =>
            {
                var isOld = socket.Age >= _lifetime;
                if (isOld)
                {
                    socket.Dispose();
                }

                return isOld;
            });
            if (_idle.Count > 0)
            {
                _sweep.Change(_lifetime, Timeout.Infinite);
            }
        }
    }
}
