using System.Net;
using Containers.Names;
using FsCheck.Xunit;

namespace Containers.Tests.Names;

[Trait("Category", "Rootless")]
public class HostResolversTests
{
    [Fact]
    public void File_IsReadAsTheLibrariesDo()
    {
        var read = ResolverConfiguration.Parse("""
            # a comment
            ; another
            domain old.example
            nameserver 10.0.0.1   # to the end
            nameserver	fd00::1
            nameserver nonsense
            search Corp.Example. lan .
            options ndots:2 timeout:1
            nameserver 10.0.0.3
            nameserver 10.0.0.4
            sortlist 10.0.0.0
            options edns0
            """);
        Assert.Equal([IPEndPoint.Parse("10.0.0.1:53"), IPEndPoint.Parse("[fd00::1]:53"), IPEndPoint.Parse("10.0.0.3:53")], read.Servers);
        Assert.Equal(["corp.example", "lan"], read.Search);
        Assert.Equal(["ndots:2", "timeout:1", "edns0"], read.Options);
    }

    [Fact]
    public void File_WithoutServersMeansTheHostItself()
    {
        Assert.Equal([IPEndPoint.Parse("127.0.0.1:53")], ResolverConfiguration.Parse("search lan\n").Servers);
        Assert.Equal([IPEndPoint.Parse("127.0.0.1:53")], new HostResolvers("/nonexistent/resolv.conf").Current.Servers);
    }

    [Property(MaxTest = 500)]
    public void Text_OfAnyKindIsRead(string? text) => Assert.NotEmpty(ResolverConfiguration.Parse($"nameserver {text}\nsearch {text}\n{text}").Servers);

    [Fact]
    public void File_IsFollowedWhenItIsWrittenReplacedAndGone()
    {
        using var directory = new TestDirectory();
        var path = Path.Combine(directory.Path, "resolv.conf");
        File.WriteAllText(path, "nameserver 10.0.0.1");
        var resolvers = new HostResolvers(path);
        var first = resolvers.Current;
        Assert.Same(first, resolvers.Current);

        File.WriteAllText(path, "nameserver 10.0.0.2");
        Assert.True(SpinWait.SpinUntil(() => resolvers.Current.Servers[0].Address.Equals(IPAddress.Parse("10.0.0.2")), TimeSpan.FromSeconds(20)));

        // A link to another file, as systemd-resolved and others have it.
        File.WriteAllText(path + ".stub", "nameserver 127.0.0.53");
        File.CreateSymbolicLink(path + ".link", path + ".stub");
        File.Move(path + ".link", path, overwrite: true);
        Assert.True(SpinWait.SpinUntil(() => resolvers.Current.Servers[0].Address.Equals(IPAddress.Parse("127.0.0.53")), TimeSpan.FromSeconds(20)));

        File.Delete(path);
        Assert.False(SpinWait.SpinUntil(() => !resolvers.Current.Servers[0].Address.Equals(IPAddress.Parse("127.0.0.53")), TimeSpan.FromSeconds(3)));
    }
}
