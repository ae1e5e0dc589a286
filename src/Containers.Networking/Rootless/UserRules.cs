using System.Collections.Immutable;
using Containers.Egress;
using Containers.Interop;
using Containers.Networks;
using Containers.Rtnetlink;
using Containers.Specification;
using Containers.UserNetworks;

namespace Containers.Rootless;

/// <summary>
/// What an ordinary user's container can have of networks, found before anything is made. What cannot be had is refused: a policy that is
/// not enforced would be a hole where somebody counts on a wall.
/// </summary>
internal static class UserRules
{
    /// <exception cref="NetworkException">Something was asked for that only root's networks have.</exception>
    public static void Require(NetworkFeature feature)
    {
        foreach (var attachment in feature.Attachments)
        {
            if (attachment.Network != ContainerNetworks.BridgeName)
            {
                throw new NetworkException("connect the container to", attachment.Network, Errno.ENOENT, NoBridges);
            }

            if (!attachment.Aliases.IsEmpty)
            {
                throw Refused("give the container an alias on", attachment.Network, "Containers of an ordinary user reach the outside and not each other, so nobody could ask for it");
            }

            if (attachment.Address4 is not null || attachment.Address6 is not null || attachment.Mac is not null)
            {
                throw Refused("give the container a fixed address on", attachment.Network, "It has the host's address, as pasta gives it, which nobody else sees");
            }
        }

        if (feature.Egress is not null)
        {
            throw Refused("confine what the container sends:", "the egress policy", "The filter that enforces it is at a port of a bridge, which an ordinary user cannot make");
        }

        if (feature.Shape != NetworkShape.None)
        {
            throw Refused("limit the container's network:", "rate, latency or loss", "The queues for that are at a port of a bridge, which an ordinary user cannot make");
        }

        if (feature.ExtraHosts.FirstOrDefault(static line => line.Value == HostsFile.HostGateway) is { Key: { } name })
        {
            throw Refused("write /etc/hosts with", name, $"{HostsFile.HostGateway} is the host's address in the container's network, and containers of an ordinary user do not reach the host");
        }
    }

    /// <summary>Says what there is instead of networks of one's own.</summary>
    public const string NoBridges =
        "An ordinary user cannot make interfaces on the host: run the engine as root. What there is without: the network bridge, which leads out through pasta, published ports, host and none.";

    /// <summary>Why a container can have no way out here, and what to do; null: it can.</summary>
    public static (string Reason, string Remedy)? WhyNoWayOut(ContainerSpec spec)
    {
        // With these it could make packets that say to be for the host's loopback, or take away the routes that keep it from the host's
        // addresses; pasta sends from the host, and takes what comes for what it says.
        if (ForbiddenIn(spec) is [_, ..] forbidden && spec.Security.Capabilities.FirstOrDefault(forbidden.Contains, (Capability)(-1)) is var capability and not (Capability)(-1))
        {
            return ($"with the capability {capability} it could reach the host's own services through pasta", "Leave the capability out (ping needs none), or run the engine as root.");
        }

        if (PastaProgram.WhyNot() is { } missing)
        {
            return missing;
        }

        using var host = RouteClient.Open();
        return host.Routes.List().Exists(static route => route is { IsDefault: true, Type: RouteType.Unicast, Interface: not null })
            ? null
            : ("this host has none itself", "It needs a default route: ip route shows them.");
    }

    /// <summary>The capabilities that nobody may have in the network of such a container; one that asked for no walls has none here.</summary>
    public static ImmutableArray<Capability> ForbiddenIn(ContainerSpec spec) =>
        spec.Security.Name == SecurityProfile.Privileged.Name ? [] : [Capability.NetAdmin, Capability.NetRaw];

    private static NetworkException Refused(string step, string subject, string reason) => new(step, subject, $"{reason}. Leave it out, or run the engine as root.");
}
