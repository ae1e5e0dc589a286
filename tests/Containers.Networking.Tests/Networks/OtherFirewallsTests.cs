namespace Containers.Tests.Networks;

/// <summary>Beside others who filter what the host forwards, or what comes to it.</summary>
public class OtherFirewallsTests
{
    private const string DockerTable =
        "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }; add chain ip filter DOCKER-USER; add rule ip filter FORWARD jump DOCKER-USER";

    private const string FirewalldTable = """
        add table inet firewalld
        add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; policy accept; }
        add chain inet firewalld filter_FORWARD_ZONES
        add rule inet firewalld filter_FORWARD ct state established,related accept
        add rule inet firewalld filter_FORWARD jump filter_FORWARD_ZONES
        add rule inet firewalld filter_FORWARD reject with icmpx admin-prohibited
        """;

    [Fact]
    public Task DockersPolicyByIptables_HoldsUntilItsOwnerAcceptsContainers_AndIsTold() => ShowAsync(
        ["iptables-nft -P FORWARD DROP", "iptables-nft -N DOCKER-USER", "iptables-nft -I FORWARD -j DOCKER-USER"],
        ["iptables-nft -I DOCKER-USER -i cbr-+ -j ACCEPT", "iptables-nft -I DOCKER-USER -o cbr-+ -j ACCEPT"],
        "out False, names True; told 1 and 0");

    [Fact]
    public Task DockersPolicyByNft_HoldsUntilItsOwnerAcceptsContainers_AndIsTold() => ShowAsync(
        ["nft " + DockerTable],
        ["nft add rule ip filter DOCKER-USER iifname \"cbr-*\" accept; add rule ip filter DOCKER-USER oifname \"cbr-*\" accept"],
        "out False, names True; told 1 and 0");

    [Fact]
    public Task LastRuleThatRejects_HoldsUntilItsOwnerAcceptsContainers_AndIsTold() => ShowAsync(
        ["nft " + FirewalldTable],
        ["nft add rule inet firewalld filter_FORWARD_ZONES iifname \"cbr-*\" accept"],
        "out False, names True; told 1 and 0");

    [Fact]
    public Task LastRuleOfIptables_HoldsUntilItsOwnerAcceptsContainers_AndIsTold() => ShowAsync(
        ["iptables-nft -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", "iptables-nft -A FORWARD -j REJECT"],
        ["iptables-nft -I FORWARD -i cbr-+ -j ACCEPT"],
        "out False, names True; told 1 and 0");

    /// <summary>As ufw has it.</summary>
    [Fact]
    public Task PolicyForTheHostItself_HoldsForNamesUntilItsOwnerAcceptsContainers_AndIsTold() => ShowAsync(
        ["iptables-nft -P INPUT DROP", "iptables-nft -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"],
        ["iptables-nft -I INPUT -i cbr-+ -j ACCEPT"],
        "out True, names False; told 0 and 1");

    [Fact]
    public Task RulesThatRefuseSome_AreNotToldOf() => ShowAsync(
        ["iptables-nft -A FORWARD -p tcp --dport 25 -j REJECT", "iptables-nft -A INPUT -p tcp --dport 25 -j DROP"],
        [],
        "out True, names True; told 0 and 0");

    /// <summary>Nothing is told a second time once the owner has accepted what it names.</summary>
    private static async Task ShowAsync(string[] forbid, string[] allow, string expected)
    {
        using var host = TestNamespace.Create();
        using var state = new TestDirectory();
        using var outside = Machine.Create(host);
        using var service = new TinyServer(outside.Space);

        Run(host, forbid);
        using var engine = NetworkHost.Start(host, state.Path + "/state", $"away:http://{outside.Address}:{service.Port}/");
        Assert.Equal(expected, await engine.ReadLineAsync());

        Run(host, allow);
        Assert.Equal("out True, names True" + expected[expected.IndexOf(';', StringComparison.Ordinal)..], await engine.AskAsync("again"));
        await engine.EndAsync();
    }

    private static void Run(TestNamespace host, string[] commands)
    {
        foreach (var command in commands)
        {
            // nft takes its commands as one word.
            var space = command.IndexOf(' ', StringComparison.Ordinal);
            var (program, rest) = (command[..space], command[(space + 1)..]);
            host.Run(program, program == "nft" ? [rest] : rest.Split(' '));
        }
    }
}
