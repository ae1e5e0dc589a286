using System.Net;
using Containers.Rtnetlink;

namespace Containers.Addresses;

/// <summary>
/// A subnet that no engine of this host gives to another network, as long as one that uses it has not disposed this, or ended. Of IPv6 the
/// record knows the first 62 bits: of four neighbouring /64 one can be had.
/// </summary>
internal sealed class SubnetLease : IDisposable
{
    /// <summary>Offsets of a file have 63 bits.</summary>
    private const int RecordedBits = 62;

    private readonly RangeLocks _locks;

    private SubnetLease(IPNetwork subnet, RangeLocks locks)
    {
        Subnet = subnet;
        _locks = locks;
    }

    public IPNetwork Subnet { get; }

    /// <summary>Takes the first subnet of pools that is free of routes, addresses and other engines' networks.</summary>
    /// <param name="directory">Where the host's engines keep their records.</param>
    /// <param name="pools">Where from.</param>
    /// <param name="client">The namespace it has to be free in.</param>
    /// <exception cref="NetworkException">None is free.</exception>
    public static SubnetLease Take(string directory, IReadOnlyList<AddressPool> pools, RouteClient client)
    {
        foreach (var subnet in SubnetChooser.Free(pools, SubnetChooser.Occupied(client)))
        {
            if (TryTake(directory, subnet) is { } lease)
            {
                return lease;
            }
        }

        throw new NetworkException("find a free subnet in", string.Join(", ", pools),
            "Each overlaps with a route or an address of this host or with a network of another engine: remove networks, or give a subnet or other pools.");
    }

    /// <summary>Takes this subnet for a new network; null where another network has any of it.</summary>
    public static SubnetLease? TryTake(string directory, IPNetwork subnet)
    {
        var lease = Open(directory, subnet);
        var (start, length) = RangeOf(subnet);
        if (lease._locks.TryLock(start, length))
        {
            // From here on, others may join the network, but none can be made in its place.
            _ = lease._locks.TryLock(start, length, shared: true);
            return lease;
        }

        lease.Dispose();
        return null;
    }

    /// <summary>Takes part in a network that another engine, or this one, has made in it.</summary>
    /// <exception cref="NetworkException">A network is just being made there.</exception>
    public static SubnetLease Join(string directory, IPNetwork subnet)
    {
        var lease = Open(directory, subnet);
        var (start, length) = RangeOf(subnet);
        if (lease._locks.TryLock(start, length, shared: true))
        {
            return lease;
        }

        lease.Dispose();
        throw new NetworkException("join the subnet", subnet.ToString(), Interop.Errno.EAGAIN, "Another network is just being made in it; try again.");
    }

    public void Dispose() => _locks.Dispose();

    private static SubnetLease Open(string directory, IPNetwork subnet) =>
        new(subnet, new RangeLocks(directory, Subnets.IsFour(subnet) ? "subnets4" : "subnets6"));

    private static (long Start, long Length) RangeOf(IPNetwork subnet)
    {
        var shift = Subnets.IsFour(subnet) ? 0 : Subnets.Bits(subnet) - RecordedBits;
        var first = Subnets.Number(subnet.BaseAddress) >> shift;
        var last = (Subnets.Number(subnet.BaseAddress) + Subnets.Span(subnet)) >> shift;
        return ((long)first, (long)(last - first) + 1);
    }
}
