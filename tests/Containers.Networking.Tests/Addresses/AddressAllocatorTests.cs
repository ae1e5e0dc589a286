using System.Diagnostics;
using System.Net;
using Containers.Addresses;

namespace Containers.Tests.Addresses;

public class AddressAllocatorTests
{
    private const int ErrorInUse = 98;
    private static readonly IPNetwork Small = IPNetwork.Parse("10.7.0.0/29");

    [Fact]
    [Trait("Category", "Rootless")]
    public void Addresses_AreGivenOnceWithoutNetworkGatewayAndBroadcast()
    {
        using var directory = new TestDirectory();
        using var allocator = new AddressAllocator(directory.Path, Small);
        var leases = Enumerable.Range(0, 5).Select(_ => allocator.Take()).ToList();
        Assert.Equal(["10.7.0.2", "10.7.0.3", "10.7.0.4", "10.7.0.5", "10.7.0.6"], leases.Select(static lease => lease.Address.ToString()));
        Assert.Equal("10.7.0.1", allocator.Gateway.ToString());
        Assert.Equal("10.7.0.7", allocator.Broadcast!.ToString());

        var exception = Assert.Throws<NetworkException>(allocator.Take);
        Assert.Contains("find a free address in 10.7.0.0/29", exception.Message, StringComparison.Ordinal);
        Assert.Contains("All of its 5 addresses", exception.Message, StringComparison.Ordinal);
        leases[2].Dispose();
        leases[2].Dispose();
        Assert.Equal("10.7.0.4", allocator.Take().Address.ToString());
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public void Addresses_JustReturnedComeLast()
    {
        using var directory = new TestDirectory();
        using var allocator = new AddressAllocator(directory.Path, Small);
        allocator.Take().Dispose();
        Assert.Equal("10.7.0.3", allocator.Take().Address.ToString());
        using var other = new AddressAllocator(directory.Path, Small);
        Assert.Equal("10.7.0.4", other.Take().Address.ToString());
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public void Addresses_OfSeveralEnginesAreNeverTheSame()
    {
        using var directory = new TestDirectory();
        var subnet = IPNetwork.Parse("10.7.0.0/22");
        var engines = Enumerable.Range(0, 4).Select(_ => new AddressAllocator(directory.Path, subnet)).ToList();
        var given = new System.Collections.Concurrent.ConcurrentBag<IPAddress>();
        Parallel.For(0, 1021, i => given.Add(engines[i % 4].Take().Address));
        Assert.Equal(1021, given.Distinct().Count());
        Assert.All(engines, engine => Assert.Throws<NetworkException>(engine.Take));
        engines[0].Dispose();
        Assert.NotNull(engines[1].Take());
        engines.ForEach(static engine => engine.Dispose());
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public void Address_AskedForIsGivenOrRefusedWithTheReason()
    {
        using var directory = new TestDirectory();
        using var allocator = new AddressAllocator(directory.Path, Small);
        using var other = new AddressAllocator(directory.Path, Small);
        using var lease = allocator.Take(IPAddress.Parse("10.7.0.5"));
        foreach (var engine in new[] { allocator, other })
        {
            Assert.Equal(ErrorInUse, Assert.Throws<NetworkException>(() => engine.Take(IPAddress.Parse("10.7.0.5"))).ErrorNumber);
        }

        Assert.Contains("gateway", Refusal(allocator, "10.7.0.1"), StringComparison.Ordinal);
        Assert.Contains("broadcast", Refusal(allocator, "10.7.0.7"), StringComparison.Ordinal);
        Assert.Contains("subnet", Refusal(allocator, "10.7.0.0"), StringComparison.Ordinal);
        Assert.Contains("not in the subnet 10.7.0.0/29", Refusal(allocator, "10.8.0.1"), StringComparison.Ordinal);
        Assert.Contains("not in the subnet", Refusal(allocator, "fd00::1"), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public void Addresses_OfIp6AreGivenToo_AlsoHighOnesAskedFor()
    {
        using var directory = new TestDirectory();
        using var allocator = new AddressAllocator(directory.Path, IPNetwork.Parse("fd00:1::/64"), IPAddress.Parse("fd00:1::1"));
        Assert.Equal("fd00:1::2", allocator.Take().Address.ToString());
        var high = IPAddress.Parse("fd00:1::ffff:ffff:ffff:fffe");
        Assert.Equal(high, allocator.Take(high).Address);
        Assert.Throws<NetworkException>(() => allocator.Take(high));
        Assert.Null(allocator.Broadcast);
    }

    [Theory]
    [Trait("Category", "Rootless")]
    [InlineData("10.7.0.0/16", "10.7.0.0/30", "10.7.0.1", "10.7.0.2 10.7.0.3")]
    [InlineData("10.7.0.0/16", "10.7.5.8/30", "10.7.5.8", "10.7.5.9 10.7.5.10 10.7.5.11")]
    [InlineData("10.7.0.0/16", "10.7.255.252/30", "10.7.255.252", "10.7.255.253 10.7.255.254")]
    [InlineData("fd00:1::/64", "fd00:1::c000:0:0:0/126", "fd00:1::c000:0:0:0", "fd00:1::c000:0:0:1 fd00:1::c000:0:0:2 fd00:1::c000:0:0:3")]
    public void Range_IsAllThatIsGivenButWhatIsAskedFor(string subnet, string range, string gateway, string given)
    {
        using var directory = new TestDirectory();
        var whole = IPNetwork.Parse(subnet);
        using var allocator = new AddressAllocator(directory.Path, whole, range: IPNetwork.Parse(range));
        Assert.Equal(IPAddress.Parse(gateway), allocator.Gateway);
        var expected = given.Split(' ').Select(IPAddress.Parse).ToList();
        for (var round = 0; round < 2; round++)
        {
            var leases = expected.ConvertAll(_ => allocator.Take());
            Assert.Equal(expected.ToHashSet(), leases.Select(static lease => lease.Address).ToHashSet());
            var all = Assert.Throws<NetworkException>(allocator.Take).Message;
            Assert.Contains($"find a free address in {IPNetwork.Parse(range)}", all, StringComparison.Ordinal);
            Assert.Contains($"All of its {expected.Count} addresses", all, StringComparison.Ordinal);
            leases.ForEach(static lease => lease.Dispose());
        }

        // Another engine in another range, and an address beyond both.
        using var other = new AddressAllocator(directory.Path, whole, IPAddress.Parse(gateway));
        using var beyond = other.Take();
        Assert.Throws<NetworkException>(() => allocator.Take(beyond.Address));
    }

    [Fact]
    public void Addresses_OfAProcessThatIsKilledAreFree()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/perl"), "perl is not installed");
        using var directory = new TestDirectory();
        using var allocator = new AddressAllocator(directory.Path, Small);

        // Another process, which locks what an engine would for 10.7.0.2 to .6 (struct flock, F_OFD_SETLK) and waits.
        var script = "open(F,'+<',$ARGV[0]) or die; $l=pack('s s x4 q q i x4',1,0,2,5,0); defined(fcntl(F,37,$l)) or die; $|=1; print \"held\\n\"; <STDIN>";
        using var process = Process.Start(new ProcessStartInfo("/usr/bin/perl", ["-e", script, Path.Combine(directory.Path, "10.7.0.0-29")])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        })!;
        Assert.Equal("held", process.StandardOutput.ReadLine());
        Assert.Throws<NetworkException>(allocator.Take);
        process.Kill();
        process.WaitForExit();
        Assert.Equal("10.7.0.2", allocator.Take().Address.ToString());
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public void Hint_ThatIsNonsenseDoesNotMatter()
    {
        using var directory = new TestDirectory();
        File.WriteAllBytes(Path.Combine(directory.Path, "10.7.0.0-29"), [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
        using var allocator = new AddressAllocator(directory.Path, Small);
        Assert.Equal("10.7.0.2", allocator.Take().Address.ToString());
    }

    [Theory]
    [Trait("Category", "Rootless")]
    [InlineData("10.7.0.0/31", null)]
    [InlineData("10.7.0.0/32", null)]
    [InlineData("10.7.0.0/24", "10.8.0.1")]
    public void Subnet_WithoutRoomOrWithAGatewayElsewhereIsRefused(string subnet, string? gateway)
    {
        using var directory = new TestDirectory();
        Assert.Throws<NetworkException>(() => new AddressAllocator(directory.Path, IPNetwork.Parse(subnet), gateway is null ? null : IPAddress.Parse(gateway)));
    }

    private static string Refusal(AddressAllocator allocator, string address) => Assert.Throws<NetworkException>(() => allocator.Take(IPAddress.Parse(address))).Message;
}
