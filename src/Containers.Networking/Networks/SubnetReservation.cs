using System.Net;
using Containers.Addresses;
using Containers.Interop;

namespace Containers.Networks;

/// <summary>The subnets of a new network: those asked for, or free ones.</summary>
internal static class SubnetReservation
{
    /// <summary>The IPv4 subnet, and the IPv6 one where there is IPv6.</summary>
    /// <exception cref="NetworkException">One is in use, or none is free.</exception>
    public static List<SubnetLease> Take(HostSide host, NetworkOptions options)
    {
        var leases = new List<SubnetLease>(2);
        try
        {
            leases.Add(options.Subnet is { } four ? Take(host, four) : SubnetLease.Take(host.Records, AddressPool.Defaults, host.Links));
            if (options.IPv6)
            {
                leases.Add(options.Subnet6 is { } six ? Take(host, six) : SubnetLease.Take(host.Records, [AddressPool.RandomUniqueLocal()], host.Links));
            }

            return leases;
        }
        catch
        {
            leases.ForEach(static lease => lease.Dispose());
            throw;
        }
    }

    private static SubnetLease Take(HostSide host, IPNetwork subnet)
    {
        var lease = SubnetLease.TryTake(host.Records, subnet) ??
            throw new NetworkException("take the subnet", subnet.ToString(), Errno.EADDRINUSE, "Another network of this host has it, or a part of it: give another, or none to have one chosen.");
        foreach (var occupied in SubnetChooser.Occupied(host.Links))
        {
            if (Subnets.Overlap(occupied, subnet))
            {
                lease.Dispose();
                throw new NetworkException("take the subnet", subnet.ToString(), Errno.EADDRINUSE,
                    $"It overlaps with {occupied}, which this host has a route or an address of: give another, or none to have one chosen.");
            }
        }

        return lease;
    }
}
