using Containers.Netlink;

namespace Containers.Networks;

/// <summary>IPv6 of one interface, in the namespace of the calling thread.</summary>
internal static class SixOnLink
{
    private const string On = "1";
    private const string Off = "0";

    /// <summary>Switches it on, without listening to routers, or off.</summary>
    public static void Set(string link, bool on)
    {
        if (!KernelSettings.HasSix)
        {
            return;
        }

        // An interface whose MTU is too small for it has no settings of it, until somebody makes it larger.
        var settings = KernelSettings.ExistsHere(KernelSettings.ForInterface("ipv6", link, "disable_ipv6"));
        if (!settings && !on)
        {
            return;
        }

        // A router that another container pretends to be is not believed (CVE-2020-13401), and without IPv6 there is none at all (CVE-2024-32473).
        KernelSettings.WriteHere(KernelSettings.ForInterface("ipv6", link, "accept_ra"), Off);
        if (on)
        {
            // Addresses are given out once. Looking for others who have them would keep neighbours from being found for the first second.
            KernelSettings.WriteHere(KernelSettings.ForInterface("ipv6", link, "accept_dad"), Off);
        }

        KernelSettings.WriteHere(KernelSettings.ForInterface("ipv6", link, "disable_ipv6"), on ? Off : On);
    }
}
