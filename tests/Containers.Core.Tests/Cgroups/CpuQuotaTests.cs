using Containers.Cgroups;

namespace Containers.Tests.Cgroups;

public sealed class CpuQuotaTests
{
    [Theory]
    [InlineData(2, 1)]
    [InlineData(1024, 100)]
    [InlineData(262144, 10000)]
    public void Shares_BecomeTheWeightOfTheSameStanding(long shares, long weight) => Assert.Equal(weight, CpuQuota.Weight(shares));

    [Fact]
    public void MoreShares_NeverWeighLess()
    {
        var last = 0L;
        for (var shares = 2L; shares <= 262144; shares += 7)
        {
            var weight = CpuQuota.Weight(shares);
            Assert.InRange(weight, Math.Max(1, last), 10000);
            last = weight;
        }
    }

    [Theory]
    [InlineData(0.5, 50_000)]
    [InlineData(2, 200_000)]
    [InlineData(0.001, 1000)]
    public void Cpus_AreAQuotaOfThePeriod(double cpus, long quota) => Assert.Equal(quota, CpuQuota.Microseconds(cpus));
}
