using System.Net;
using Containers.Addresses;
using Containers.Rtnetlink;
using FsCheck.Xunit;

namespace Containers.Tests.Addresses;

public class SubnetTests
{
    [Theory]
    [InlineData("172.30.0.0/16", "172.30.255.255")]
    [InlineData("10.0.0.0/8", "10.255.255.255")]
    [InlineData("192.0.2.4/30", "192.0.2.7")]
    [InlineData("0.0.0.0/0", "255.255.255.255")]
    [InlineData("fd00:1::/64", "fd00:1::ffff:ffff:ffff:ffff")]
    [InlineData("::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    public void Last_IsTheLastAddressOfANetwork(string network, string last)
    {
        Assert.Equal(IPAddress.Parse(last), Subnets.Last(IPNetwork.Parse(network)));
    }

    [Property]
    public bool Address_AndNumberAreEachOthersInverse(uint number) => Subnets.Number(Subnets.Address(IPNetwork.Parse("0.0.0.0/0"), number)) == number;

    [Theory]
    [InlineData("172.16.0.0/12", "172.17.0.0/16", true)]
    [InlineData("172.17.0.0/16", "172.16.0.0/12", true)]
    [InlineData("172.17.0.0/16", "172.18.0.0/16", false)]
    [InlineData("0.0.0.0/0", "fd00::/64", false)]
    public void Overlap_IsFoundWhicheverIsLarger(string one, string other, bool overlap)
    {
        Assert.Equal(overlap, Subnets.Overlap(IPNetwork.Parse(one), IPNetwork.Parse(other)));
    }

    [Fact]
    public void Subnet_IsFreeOfRoutesOfAllTablesAndOfAddresses()
    {
        using var host = TestNamespace.Create();
        using var directory = new TestDirectory();
        host.Route.Links.Create(new VethLink("a", new VethLink("b")) { Up = true });
        var index = host.Route.Links.Get("a").Index;
        host.Route.Links.SetUp(host.Route.Links.Get("b").Index);
        host.Route.Addresses.Add(new InterfaceAddress(index, IPAddress.Parse("172.17.3.1"), 24));
        host.Route.Routes.Add(new Route(IPNetwork.Parse("172.18.0.0/15")) { Interface = index, Table = 12345 });
        host.Route.Routes.Add(Route.Default(IPAddress.Parse("172.17.3.2")));
        host.Route.Routes.Add(new Route(IPNetwork.Parse("0.0.0.0/1")) { Interface = index });

        using var lease = SubnetLease.Take(directory.Path, AddressPool.Defaults, host.Route);
        Assert.Equal(IPNetwork.Parse("172.20.0.0/16"), lease.Subnet);
    }

    [Fact]
    public void Subnet_OfAHostWithAVpnToAllOf172_IsOfAnotherPool()
    {
        using var host = TestNamespace.Create();
        using var directory = new TestDirectory();
        host.Route.Links.Create(new VethLink("a", new VethLink("b")) { Up = true });
        host.Route.Links.SetUp(host.Route.Links.Get("b").Index);
        host.Route.Routes.Add(new Route(IPNetwork.Parse("172.16.0.0/12")) { Interface = host.Route.Links.Get("a").Index, Table = 51820 });
        using var lease = SubnetLease.Take(directory.Path, AddressPool.Defaults, host.Route);
        Assert.Equal(IPNetwork.Parse("192.168.0.0/20"), lease.Subnet);
    }

    [Fact]
    public void Subnet_IsOneNetworksAlone_AndOthersMayJoinIt()
    {
        using var host = TestNamespace.Create();
        using var directory = new TestDirectory();
        using var first = SubnetLease.Take(directory.Path, AddressPool.Defaults, host.Route);
        using var second = SubnetLease.Take(directory.Path, AddressPool.Defaults, host.Route);
        Assert.Equal((IPNetwork.Parse("172.17.0.0/16"), IPNetwork.Parse("172.18.0.0/16")), (first.Subnet, second.Subnet));

        // Sizes do not matter.
        Assert.Null(SubnetLease.TryTake(directory.Path, IPNetwork.Parse("172.17.128.0/24")));
        Assert.Null(SubnetLease.TryTake(directory.Path, IPNetwork.Parse("172.16.0.0/12")));
        using (SubnetLease.Join(directory.Path, first.Subnet))
        {
            first.Dispose();
            Assert.Null(SubnetLease.TryTake(directory.Path, first.Subnet));
        }

        using var again = SubnetLease.TryTake(directory.Path, first.Subnet);
        Assert.NotNull(again);
    }

    [Fact]
    public void Subnet_OfUniqueLocalAddressesIsRandom()
    {
        using var host = TestNamespace.Create();
        using var directory = new TestDirectory();
        using var first = SubnetLease.Take(directory.Path, [AddressPool.RandomUniqueLocal()], host.Route);
        using var second = SubnetLease.Take(directory.Path, [AddressPool.RandomUniqueLocal()], host.Route);
        Assert.NotEqual(first.Subnet, second.Subnet);
        Assert.Equal(64, first.Subnet.PrefixLength);
        Assert.Equal(0xfd, first.Subnet.BaseAddress.GetAddressBytes()[0]);
    }

    [Fact]
    public void Pools_ThatAreUsedUpAreNamed()
    {
        using var host = TestNamespace.Create();
        using var directory = new TestDirectory();
        AddressPool[] pools = [new(IPNetwork.Parse("10.5.0.0/23"), 24)];
        using var first = SubnetLease.Take(directory.Path, pools, host.Route);
        using var second = SubnetLease.Take(directory.Path, pools, host.Route);
        var exception = Assert.Throws<NetworkException>(() => SubnetLease.Take(directory.Path, pools, host.Route));
        Assert.Contains("10.5.0.0/23 in /24", exception.Message, StringComparison.Ordinal);
    }
}
