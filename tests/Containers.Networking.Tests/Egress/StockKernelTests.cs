using Containers.Tests.Networks;

namespace Containers.Tests.Egress;

/// <summary>Policies where the kernel cannot answer what it refuses, as that of the machine: they hold all the same.</summary>
[Trait("Category", "Vm")]
public class StockKernelTests
{
    [Fact]
    public async Task WithEgress_HoldsWhetherTheKernelAnswersOrDrops()
    {
        await using var lab = new NetworkLab();
        using var away = Machine.Create();
        using var served = new EgressServers(away.Space.Namespace, away.Address, 443, 80);
        await using var job = await lab.StartAsync(Box.Sleeper.WithEgress(policy => policy.Allow(away.Address.ToString(), 443)));
        Assert.True(await Box.SucceedsInAsync(job, $"nc -w 10 {away.Address} 443 </dev/null"));
        Assert.False(await Box.SucceedsInAsync(job, $"timeout 5 nc -w 5 {away.Address} 80 </dev/null"));

        var usage = await job.GetEgressAsync(Box.Token);
        var refused = Assert.Single(usage.Refused);
        Assert.Equal((away.Address, 80), (refused.Address, refused.Port));
        Assert.True(usage.SentPackets > 3);
    }
}
