using System.Net;
using Containers.Names;

namespace Containers.Tests.Names;

/// <summary>Two networks with a few containers: what the tests of answers ask about.</summary>
internal sealed class NamesLab : IDisposable
{
    private readonly TestDirectory _directory = new();

    public NamesLab(string resolvers = "nameserver 127.0.0.9\nsearch corp.example lan\n")
    {
        File.WriteAllText(ResolverFile, resolvers);
        Registry = new NameRegistry(new HostResolvers(ResolverFile));
        Front = Registry.AddZone("Front", [IPNetwork.Parse("10.1.0.0/16"), IPNetwork.Parse("fd00:1::/64")], isInternal: false);
        Back = Registry.AddZone("back", [IPNetwork.Parse("10.2.0.0/16")], isInternal: true);
    }

    public string ResolverFile => Path.Combine(_directory.Path, "resolv.conf");

    public NameRegistry Registry { get; }

    public NameZone Front { get; }

    public NameZone Back { get; }

    public ContainerNames Add(NameZone zone, string addresses, params string[] names)
    {
        var container = Registry.AddContainer();
        Join(container, zone, addresses, names);
        return container;
    }

    public static IDisposable Join(ContainerNames container, NameZone zone, string addresses, params string[] names) =>
        container.Join(zone, [.. addresses.Split(' ').Select(IPAddress.Parse)], names);

    /// <summary>What a container is answered; null: the question is for the host's resolvers.</summary>
    public static DnsAnswer? Ask(NameView? view, string name, int type = 1, bool isDatagram = true, int? payload = null, byte version = 0, int @class = 1)
    {
        var query = DnsBytes.Query(name, type, payload: payload, version: version, @class: @class);
        var buffer = new byte[NameAnswers.LongestMessage];
        switch (NameAnswers.Decide(query, view, isDatagram, buffer, out var length, out _))
        {
            case QueryVerdict.Forward:
                return null;
            case QueryVerdict.Reply:
                var answer = DnsBytes.Read(buffer.AsSpan(0, length));
                Assert.Equal(0x1234, answer.Id);
                Assert.Equal(name, answer.Question);
                Assert.True(answer.HasFlags(0x8000));
                Assert.Equal(payload is null ? 0 : 1, answer.Options);
                return answer;
            default:
                Assert.Fail("a query was ignored");
                return null;
        }
    }

    public void Dispose() => _directory.Dispose();
}
