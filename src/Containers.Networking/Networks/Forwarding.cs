using Containers.Firewall;
using Containers.Netlink;
using Containers.Rtnetlink;
using Microsoft.Extensions.Logging;

namespace Containers.Networks;

/// <summary>
/// Makes the host forward packets, which containers need to reach anything beyond their bridge. Where it did already, nothing is changed.
/// Where not, the setting is for all interfaces, as the way back needs it on whichever the answer comes by; the host must not become a
/// router between its other networks by that, so the rules keep apart what was there. It is not taken back: other engines, and what runs
/// containers beside them, look at the setting when they start only.
/// </summary>
internal static class Forwarding
{
    private const string Four = "ipv4/ip_forward";
    private const string Six = "ipv6/conf/all/forwarding";

    public static void Enable(HostSide host, FirewallTable firewall, bool six)
    {
        Enable(host, firewall, Four);
        if (six)
        {
            KeepAdvertisements(host);
            Enable(host, firewall, Six);
        }
    }

    private static void Enable(HostSide host, FirewallTable firewall, string setting)
    {
        var before = KernelSettings.ReadHere(setting);
        if (before != "0")
        {
            return;
        }

        // First, so that there is no moment in which the host is a router.
        firewall.GuardUplinks(setting == Six, host.Links.Links.List().Where(static link => IsOthers(link)).Select(static link => link.Name));
        KernelSettings.WriteHere(setting, "1");
        host.Logger.ForwardingEnabled("net/" + setting, before, "1");
    }

    /// <summary>An interface that takes its address from router advertisements (accept_ra 1) would no longer, once the host forwards; 2 is "even then".</summary>
    private static void KeepAdvertisements(HostSide host)
    {
        if (KernelSettings.ReadHere(Six) != "0")
        {
            return;
        }

        foreach (var link in host.Links.Links.List().Where(static link => IsOthers(link)))
        {
            var setting = KernelSettings.ForInterface("ipv6", link.Name, "accept_ra");
            if (KernelSettings.ReadHere(setting) == "1")
            {
                KernelSettings.WriteHere(setting, "2");
            }
        }
    }

    private static bool IsOthers(Link link) =>
        !link.Flags.HasFlag(LinkFlags.Loopback) &&
        HostSide.MarkOf(link.Name) is null && !link.Name.StartsWith(HostSide.PortPrefix, StringComparison.Ordinal);
}
