using System.Collections.Immutable;
using System.Net;

namespace Containers.Names;

/// <summary>What a host's resolv.conf(5) says.</summary>
internal sealed record ResolverConfiguration
{
    /// <summary>The port of the protocol.</summary>
    public const int Port = 53;

    /// <summary>MAXNS of resolv.h: libraries take no more of them.</summary>
    private const int MostServers = 3;
    private const int MostDomains = 32;

    /// <summary>Whom to ask, in this order; where the file names none it is whatever answers on the host itself, as for every program of it.</summary>
    public ImmutableArray<IPEndPoint> Servers { get; private init; } = [new(IPAddress.Loopback, Port)];

    /// <summary>The domains that are tried behind a short name, in lower case and without a dot at the end.</summary>
    public ImmutableArray<string> Search { get; private init; } = [];

    /// <summary>Its options, as they are.</summary>
    public ImmutableArray<string> Options { get; private init; } = [];

    /// <summary>Reads it. A line that is not understood is passed over, as the libraries do.</summary>
    public static ResolverConfiguration Parse(string text)
    {
        var servers = ImmutableArray.CreateBuilder<IPEndPoint>();
        var options = ImmutableArray.CreateBuilder<string>();
        ImmutableArray<string> search = [];
        foreach (var line in text.Split('\n'))
        {
            if (line is ['#' or ';', ..])
            {
                continue;
            }

            var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            switch (words)
            {
                case ["nameserver", var server, ..] when servers.Count < MostServers && IPAddress.TryParse(server, out var address):
                    servers.Add(new IPEndPoint(address, Port));
                    break;
                case ["domain", var domain, ..]:
                    search = Domains([domain]);
                    break;
                case ["search", .. var domains]:
                    search = Domains(domains);
                    break;
                case ["options", .. var more]:
                    options.AddRange(more);
                    break;
            }
        }

        var read = new ResolverConfiguration { Search = search, Options = options.ToImmutable() };
        return servers.Count == 0 ? read : read with { Servers = servers.ToImmutable() };
    }

    private static ImmutableArray<string> Domains(IEnumerable<string> words) =>
        [.. words.Select(static word => word.TrimEnd('.').ToLowerInvariant()).Where(static word => word.Length > 0).Take(MostDomains)];
}
