using System.Security.Cryptography;
using Containers.Interop;

namespace Containers.Netlink;

/// <summary>Makes netlink sockets ready for requests (netlink(7)).</summary>
internal static unsafe class NetlinkSetup
{
    /// <summary>Addresses that the kernel gives to nobody by itself: those are ids of processes, and then from the upper half.</summary>
    private const int FirstAddress = 1 << 22;
    private const int MostTries = 100;

    /// <summary>Opens one in the network namespace that the calling thread is in.</summary>
    public static FileDescriptor Open(NetlinkFamily family)
    {
        var socket = Libc.Socket(Libc.AddressFamilyNetlink, Libc.SocketRaw | Libc.SocketCloseOnExec, (int)family);
        return socket.IsInvalid
            ? throw Failed("socket", family, family == NetlinkFamily.Netfilter ? "This kernel has no nf_tables: load the module nf_tables (CONFIG_NF_TABLES)." : null)
            : socket;
    }

    /// <summary>Sets what every request over it relies on.</summary>
    public static void Configure(FileDescriptor socket, NetlinkFamily family)
    {
        // The request is not wanted back with an error, only words about it.
        SetOption(socket, family, Libc.NetlinkCapAcknowledgement);
        SetOption(socket, family, Libc.NetlinkExtendedAcknowledgement);

        // Filters of a dump that the kernel does not know are errors then, not ignored.
        SetOption(socket, family, Libc.NetlinkStrictChecking);
        var timeout = new Libc.TimeValue { Seconds = 30 };
        if (Libc.SetSocketOption(socket, Libc.SocketLevel, Libc.OptionReceiveTimeout, &timeout, (uint)sizeof(Libc.TimeValue)) != 0)
        {
            throw Failed("setsockopt SO_RCVTIMEO", family);
        }
    }

    private static void SetOption(FileDescriptor socket, NetlinkFamily family, int option)
    {
        var on = 1;
        if (Libc.SetSocketOption(socket, Libc.LevelNetlink, option, &on, sizeof(int)) != 0)
        {
            throw Failed("setsockopt", family);
        }
    }

    /// <summary>
    /// Gives it an address, if it has none yet, that no other had or will have. The kernel would give the id of the process again and again; and as
    /// an address is free before the kernel takes away what its last socket owned, the tables of the next one would go with them.
    /// </summary>
    public static uint Bind(FileDescriptor socket, NetlinkFamily family)
    {
        var address = default(Libc.NetlinkAddress);
        var length = (uint)sizeof(Libc.NetlinkAddress);
        if (Libc.NetlinkName(socket, &address, &length) != 0)
        {
            throw Failed("getsockname", family);
        }

        if (address.PortId != 0)
        {
            return address.PortId;
        }

        for (var attempt = 1; ; attempt++)
        {
            address = new Libc.NetlinkAddress { Family = Libc.AddressFamilyNetlink, PortId = (uint)RandomNumberGenerator.GetInt32(FirstAddress, int.MaxValue) };
            if (Libc.BindNetlink(socket, &address, (uint)sizeof(Libc.NetlinkAddress)) == 0)
            {
                return address.PortId;
            }

            if (ErrnoNames.Last != Errno.EADDRINUSE || attempt == MostTries)
            {
                throw Failed("bind", family);
            }
        }
    }

    private static NetworkException Failed(string call, NetlinkFamily family, string? remedy = null) =>
        new($"{call} of a netlink socket for", family.ToString(), ErrnoNames.Last, remedy);
}
