using System.Net;
using Containers.Interop;

namespace Containers.Addresses;

/// <summary>
/// Gives out the addresses of one subnet, to containers of all engines of this host, each once at a time. An address is the holder's as
/// long as its lease is not disposed, or until the process ends, however it ends. For use from any thread; nothing blocks.
/// </summary>
internal sealed class AddressAllocator : IDisposable
{
    /// <summary>Offsets of a file have 63 bits, so of a /64 the lower part is given out by itself.</summary>
    private const int RecordedBits = 62;
    private const int LongestWithBroadcast = 30;
    private static readonly UInt128 RecordedMask = (UInt128.One << RecordedBits) - 1;

    private readonly RangeLocks _locks;
    private readonly HashSet<long> _own = [];
    private readonly Lock _gate = new();
    private readonly IPNetwork _range;
    private readonly UInt128 _origin;
    private readonly long _last;

    /// <param name="directory">Where the host's engines keep their records.</param>
    /// <param name="subnet">The subnet.</param>
    /// <param name="gateway">The address of the bridge, which no container gets; null: the first of the range.</param>
    /// <param name="range">The part of the subnet that is given out where none is asked for; null: all of it.</param>
    public AddressAllocator(string directory, IPNetwork subnet, IPAddress? gateway = null, IPNetwork? range = null)
    {
        Subnet = subnet;
        _range = range ?? subnet;
        var span = Subnets.Span(subnet);
        if (span < 3)
        {
            throw new NetworkException("give out the addresses of", subnet.ToString(), "A subnet for containers has a prefix of /30 or shorter (/126 of IPv6).");
        }

        _origin = Subnets.Offset(subnet, _range.BaseAddress);
        Gateway = gateway ?? Subnets.At(subnet, UInt128.Max(_origin, 1));
        if (!subnet.Contains(Gateway))
        {
            throw new NetworkException("give out the addresses of", subnet.ToString(), $"The gateway {Gateway} is not in it.");
        }

        _last = (long)UInt128.Min(Subnets.Span(_range), RecordedMask);
        _locks = new RangeLocks(directory, subnet.ToString().Replace('/', '-'));
    }

    public IPNetwork Subnet { get; }

    public IPAddress Gateway { get; }

    /// <summary>The address that means all of the subnet; null of IPv6, which has none.</summary>
    public IPAddress? Broadcast => Subnets.IsFour(Subnet) && Subnet.PrefixLength <= LongestWithBroadcast ? Subnets.Last(Subnet) : null;

    /// <summary>An address that nobody has. One that has just become free comes last, as others may still remember whose it was.</summary>
    /// <exception cref="NetworkException">All are taken.</exception>
    public AddressLease Take()
    {
        lock (_gate)
        {
            var start = (long)UInt128.Min(((UInt128)Math.Max(0, _locks.Hint) - _origin) & RecordedMask, (UInt128)_last);
            var number = start;
            do
            {
                number = number >= _last ? 0 : number + 1;
                var address = Subnets.At(_range, (UInt128)number);
                var offset = Recorded(address);
                if (Reserved(address) is not null || _own.Contains(offset))
                {
                    continue;
                }

                if (_locks.TryLock(offset, 1))
                {
                    _own.Add(offset);
                    _locks.Hint = offset;
                    return new AddressLease(this, address, offset);
                }

                // Whole runs that others have are passed at once, but not past where the search began.
                if (_locks.FindConflict(offset, 1) is { } conflict)
                {
                    var skip = Math.Min(conflict.Length - (offset - conflict.Start) - 1, _last - number);
                    number = number < start ? Math.Min(number + skip, start) : number + skip;
                }
            }
            while (number != start);
        }

        throw new NetworkException("find a free address in", _range.ToString(), Errno.EDQUOT,
            $"All of its {Count()} addresses for containers are taken: end some, or make the network with a larger subnet{(_range.Equals(Subnet) ? string.Empty : " or range")}.");
    }

    /// <summary>This address.</summary>
    /// <exception cref="NetworkException">It is not of the subnet, or not for containers, or taken.</exception>
    public AddressLease Take(IPAddress address)
    {
        if (!Subnet.Contains(address))
        {
            throw new NetworkException("give the address", address.ToString(), $"It is not in the subnet {Subnet} of the network.");
        }

        if (Reserved(address) is { } reason)
        {
            throw new NetworkException("give the address", address.ToString(), reason);
        }

        var offset = Recorded(address);
        lock (_gate)
        {
            if (!_own.Contains(offset) && _locks.TryLock(offset, 1))
            {
                _own.Add(offset);
                return new AddressLease(this, address, offset);
            }
        }

        throw new NetworkException("give the address", address.ToString(), Errno.EADDRINUSE, $"Another container in {Subnet} has it.");
    }

    public void Dispose() => _locks.Dispose();

    internal void Return(long offset)
    {
        lock (_gate)
        {
            if (_own.Remove(offset))
            {
                _locks.Unlock(offset, 1);
            }
        }
    }

    private long Recorded(IPAddress address) => (long)(Subnets.Offset(Subnet, address) & RecordedMask);

    /// <summary>How many addresses of the range containers can have.</summary>
    private UInt128 Count()
    {
        var whole = Subnets.Span(_range);
        foreach (var reserved in new[] { Gateway, Subnet.BaseAddress, Broadcast })
        {
            // The span is one less than all there are.
            whole -= reserved is not null && _range.Contains(reserved) ? 1u : 0u;
        }

        return whole + 1;
    }

    private string? Reserved(IPAddress address) =>
        address.Equals(Gateway) ? $"It is the gateway of {Subnet}."
        : address.Equals(Subnet.BaseAddress) ? $"It is the name of the subnet {Subnet} itself."
        : address.Equals(Broadcast) ? $"It is the broadcast address of {Subnet}."
        : null;
}
