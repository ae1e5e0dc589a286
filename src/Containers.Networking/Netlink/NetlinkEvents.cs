using Containers.Interop;
using Containers.Processes;

namespace Containers.Netlink;

/// <summary>
/// Tells when the kernel says that something of a kind has changed: interfaces, or rules of nf_tables, by whomever. What has changed is for
/// the listener to look up: messages can be lost where many come at once, that one came is not. The reactor reads them; no thread waits.
/// </summary>
internal sealed unsafe class NetlinkEvents : IReactorHandler, IDisposable
{
    /// <summary>RTNLGRP_LINK of linux/rtnetlink.h.</summary>
    public const int LinkGroup = 1;

    /// <summary>RTNLGRP_IPV4_IFADDR.</summary>
    public const int AddressGroup = 5;

    /// <summary>RTNLGRP_IPV6_IFADDR.</summary>
    public const int Address6Group = 9;

    /// <summary>NFNLGRP_NFTABLES of linux/netfilter/nfnetlink.h.</summary>
    public const int NftablesGroup = 7;

    private readonly FileDescriptor _socket;
    private readonly Action _changed;
    private readonly Action<NetlinkMessage>? _heard;
    private readonly ReactorRegistration _registration;

    /// <param name="reactor">Where to listen.</param>
    /// <param name="socket">A socket of the family, from <see cref="OpenSocket(NetlinkFamily, int)"/>; closed with this object.</param>
    /// <param name="changed">Called on the reactor's thread, so it must not block; several messages may be one call.</param>
    /// <param name="heard">Called there with each message; then <paramref name="changed"/> is only where some were lost.</param>
    public NetlinkEvents(Reactor reactor, FileDescriptor socket, Action changed, Action<NetlinkMessage>? heard = null)
    {
        _socket = socket;
        _changed = changed;
        _heard = heard;
        _registration = reactor.Register(socket, EpollEvents.In, this);
    }

    /// <summary>A socket that hears of changes in the namespace from now on.</summary>
    public static FileDescriptor OpenSocket(NetworkNamespace space, NetlinkFamily family, int group) => space.Run(() => OpenSocket(family, group));

    /// <summary>The same in the namespace that the calling thread is in.</summary>
    public static FileDescriptor OpenSocket(NetlinkFamily family, int group)
    {
        const int NonBlocking = 0x800;
        var membership = group;
        var socket = Libc.Socket(Libc.AddressFamilyNetlink, Libc.SocketRaw | Libc.SocketCloseOnExec | NonBlocking, (int)family);
        var address = new Libc.NetlinkAddress { Family = Libc.AddressFamilyNetlink };
        if (socket.IsInvalid || Libc.BindNetlink(socket, &address, (uint)sizeof(Libc.NetlinkAddress)) != 0 ||
            Libc.SetSocketOption(socket, Libc.LevelNetlink, Libc.NetlinkAddMembership, &membership, sizeof(int)) != 0)
        {
            var errno = ErrnoNames.Last;
            socket.Dispose();
            throw new NetworkException("listen to changes of", family.ToString(), errno);
        }

        return socket;
    }

    public void Dispose()
    {
        _registration.Dispose();
        _socket.Dispose();
    }

    void IReactorHandler.OnReady(EpollEvents events)
    {
        // ENOBUFS says that some were lost, which is a change as any; reading it clears it.
        const int BufferSize = 16 * 1024;
        const int MostReads = 64;
        var buffer = stackalloc byte[BufferSize];
        var isKnown = _heard is not null;
        for (var i = 0; i < MostReads; i++)
        {
            var length = (int)Libc.Read(_socket, buffer, BufferSize);
            if (length <= 0 && ErrnoNames.Last is not (Errno.ENOBUFS or Errno.EINTR))
            {
                break;
            }

            isKnown &= length > 0 ? TryHear(new ReadOnlySpan<byte>(buffer, length)) : ErrnoNames.Last != Errno.ENOBUFS;
        }

        if (!isKnown)
        {
            _changed();
        }
    }

    private bool TryHear(ReadOnlySpan<byte> data)
    {
        try
        {
            var reader = new MessageReader(data);
            while (reader.TryRead(out var message))
            {
                _heard?.Invoke(message);
            }

            return true;
        }
        catch (NetworkException)
        {
            // Another process can send to this socket too, whatever it likes: then nothing is known.
            return false;
        }
    }
}
