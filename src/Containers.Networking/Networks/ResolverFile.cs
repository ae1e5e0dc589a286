using System.Net;
using System.Text;

namespace Containers.Networks;

/// <summary>A container's /etc/resolv.conf.</summary>
internal static class ResolverFile
{
    private const string HostsOwn = "/etc/resolv.conf";

    /// <param name="servers">Who is asked.</param>
    /// <param name="domains">Where short names are looked for.</param>
    public static string Compose(IEnumerable<IPAddress> servers, IReadOnlyCollection<string> domains)
    {
        var text = new StringBuilder();
        foreach (var server in servers)
        {
            text.Append("nameserver ").Append(server).Append('\n');
        }

        if (domains.Count > 0)
        {
            text.Append("search ").AppendJoin(' ', domains).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>The host's, without what means the host itself there: in a container that is the container.</summary>
    public static (IReadOnlyList<IPAddress> Servers, IReadOnlyList<string> Domains) ReadHosts()
    {
        var servers = new List<IPAddress>();
        var domains = new List<string>();
        if (!File.Exists(HostsOwn))
        {
            return (servers, domains);
        }

        foreach (var line in File.ReadLines(HostsOwn))
        {
            var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            switch (words)
            {
                case ["nameserver", var server, ..] when IPAddress.TryParse(server, out var address) && !IPAddress.IsLoopback(address):
                    servers.Add(address);
                    break;
                case ["search" or "domain", .. var names]:
                    // The last line of these holds (resolv.conf(5)).
                    domains = [.. names];
                    break;
            }
        }

        return (servers, domains);
    }
}
