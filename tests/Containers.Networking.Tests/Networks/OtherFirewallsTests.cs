namespace Containers.Tests.Networks;

/// <summary>Beside others who filter what the host forwards.</summary>
public class OtherFirewallsTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PolicyToDrop_HoldsForContainersUntilItsOwnerAcceptsThem_AndIsTold(bool byIptables)
    {
        using var host = TestNamespace.Create();
        using var state = new TestDirectory();
        using var outside = Machine.Create(host);
        using var service = new TinyServer(outside.Space);

        // As Docker does.
        string[][] forbid = byIptables
            ? [["iptables-nft", "-P", "FORWARD", "DROP"], ["iptables-nft", "-N", "DOCKER-USER"], ["iptables-nft", "-I", "FORWARD", "-j", "DOCKER-USER"]]
            : [["nft", "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }; add chain ip filter DOCKER-USER; add rule ip filter FORWARD jump DOCKER-USER"]];
        string[][] allow = byIptables
            ? [["iptables-nft", "-I", "DOCKER-USER", "-i", "cbr-+", "-j", "ACCEPT"], ["iptables-nft", "-I", "DOCKER-USER", "-o", "cbr-+", "-j", "ACCEPT"]]
            : [["nft", "add rule ip filter DOCKER-USER iifname \"cbr-*\" accept; add rule ip filter DOCKER-USER oifname \"cbr-*\" accept"]];
        Array.ForEach(forbid, words => host.Run(words[0], words[1..]));
        using var engine = NetworkHost.Start(host, state.Path + "/state", $"away:http://{outside.Address}:{service.Port}/");
        Assert.Equal("container out False; told 1", await engine.ReadLineAsync());

        Array.ForEach(allow, words => host.Run(words[0], words[1..]));
        Assert.Equal("container out True; told 1", await engine.AskAsync("again"));
        await engine.EndAsync();
    }
}
