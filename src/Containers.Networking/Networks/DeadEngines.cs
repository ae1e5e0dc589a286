using Containers.Interop;
using Containers.Nftables;
using Containers.Rtnetlink;

namespace Containers.Networks;

/// <summary>
/// Takes away what engines of processes that have died left: bridges, with the host's ends of what was at their ports. An engine lives as
/// long as there is a table of its mark: it is made before the first bridge, and the kernel takes it away with the process that owns it.
/// </summary>
internal static class DeadEngines
{
    public static void Sweep(HostSide host)
    {
        // The bridges first: an engine that makes one after this list has its table in the next.
        var bridges = host.Links.Links.List().Where(static link => link.Kind == "bridge" && HostSide.MarkOf(link.Name) is not null).ToList();
        if (bridges.Count == 0)
        {
            return;
        }

        using var rules = NftablesClient.Open();
        var alive = rules.ListTables().Where(static table => table.OwnerPortId is not null).Select(static table => table.Table.Name).ToHashSet(StringComparer.Ordinal);
        var count = 0;
        foreach (var bridge in bridges.Where(bridge => !alive.Contains(HostSide.TableOf(HostSide.MarkOf(bridge.Name)!))))
        {
            foreach (var port in host.Links.Links.List(bridge.Index).Where(static port => port.Name.StartsWith(HostSide.PortPrefix, StringComparison.Ordinal)))
            {
                count += TryDelete(host.Links.Links, port.Index) ? 1 : 0;
            }

            count += TryDelete(host.Links.Links, bridge.Index) ? 1 : 0;
        }

        if (count > 0)
        {
            host.Logger.Swept(count);
        }
    }

    /// <summary>By its number: the name may be another one's by now.</summary>
    private static bool TryDelete(LinkTable links, int index)
    {
        try
        {
            links.Delete(index);
            return true;
        }
        catch (NetworkException gone) when (gone.ErrorNumber == (int)Errno.ENODEV)
        {
            return false;
        }
    }
}
