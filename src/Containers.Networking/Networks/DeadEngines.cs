using Containers.Interop;
using Containers.Nftables;
using Containers.Rtnetlink;

namespace Containers.Networks;

/// <summary>
/// Takes away what engines of processes that have died left: bridges, with the host's ends of what was at their ports and their ports to other
/// hosts, and tables, where the kernel does not know owners of these (before Linux 5.12). An engine lives as long as its mark is locked, or there
/// is a table of its mark that a socket owns: the kernel takes away both with the process.
/// </summary>
internal static class DeadEngines
{
    /// <summary>True: there is also one with a table whose mark is not locked. It is about to end, with the last of its containers.</summary>
    public static bool Sweep(HostSide host)
    {
        // What there is first: an engine that makes something after this has locked its mark before.
        var links = host.Links.Links.List().Where(static link => link.Kind is "bridge" or "vxlan" && HostSide.MarkOf(link.Name) is not null).ToList();
        using var rules = NftablesClient.Open();
        var tables = rules.ListTables();
        var alive = tables.Where(static table => table.OwnerPortId is not null).Select(static table => table.Table.Name).ToHashSet(StringComparer.Ordinal);
        var count = 0;
        foreach (var link in links.Where(link => IsDead(HostSide.MarkOf(link.Name)!)))
        {
            foreach (var port in host.Links.Links.List(link.Index).Where(static port => port.Name.StartsWith(HostSide.PortPrefix, StringComparison.Ordinal)))
            {
                count += host.Links.Links.TryDelete(port.Index) ? 1 : 0;
            }

            count += host.Links.Links.TryDelete(link.Index) ? 1 : 0;
        }

        foreach (var table in tables.Where(table => table.OwnerPortId is null && HostSide.MarkOfTable(table.Table.Name) is { } mark && IsDead(mark)))
        {
            count += TryDelete(rules, table.Table) ? 1 : 0;
        }

        if (count > 0)
        {
            host.Logger.Swept(count);
        }

        return alive.Any(name => HostSide.MarkOfTable(name) is { } mark && !host.Marks.IsLocked(mark));

        bool IsDead(string mark) => !alive.Contains(HostSide.TableOf(mark)) && !host.Marks.IsLocked(mark);
    }

    private static bool TryDelete(NftablesClient rules, Table table)
    {
        try
        {
            rules.Commit(batch => batch.DeleteTable(table));
            return true;
        }
        catch (NetworkException gone) when (gone.ErrorNumber == (int)Errno.ENOENT)
        {
            return false;
        }
    }
}
