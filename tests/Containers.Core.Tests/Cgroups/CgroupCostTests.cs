using System.Diagnostics;
using Containers.Cgroups;
using Containers.Specification;

namespace Containers.Tests.Cgroups;

/// <summary>What a container's groups cost: in descriptors, and in time, which is printed for the reader.</summary>
public sealed class CgroupCostTests(ITestOutputHelper output)
{
    private const int Rounds = 300;

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    public void CreateAndRemove_KeepNoDescriptorAndLittleTime(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        var limits = new ResourceLimits { Memory = new ByteSize(64 << 20), Cpus = 1, MaxProcesses = 64 };
        var (create, read, remove) = (new double[Rounds], new double[Rounds], new double[Rounds]);
        RoundTrip(fixture.Host, limits, 0, create, read, remove);
        using var live = fixture.Make(limits);
        Assert.InRange(OpenBelow(fixture.EngineName), 0, 1);

        for (var round = 0; round < Rounds; round++)
        {
            RoundTrip(fixture.Host, limits, round, create, read, remove);
        }

        live.Remove();
        Assert.Equal(0, OpenBelow(fixture.EngineName));
        output.WriteLine($"create {Median(create):F0} µs, usage {Median(read):F0} µs, remove {Median(remove):F0} µs");
    }

    private static void RoundTrip(CgroupHost host, ResourceLimits limits, int round, double[] create, double[] read, double[] remove)
    {
        var started = Stopwatch.GetTimestamp();
        using var cgroup = host.Create($"r{round}", limits, []);
        create[round] = Microseconds(started);
        started = Stopwatch.GetTimestamp();
        cgroup.ReadUsage(UsageDetail.Final);
        read[round] = Microseconds(started);
        started = Stopwatch.GetTimestamp();
        cgroup.Remove();
        remove[round] = Microseconds(started);
    }

    /// <summary>Descriptors of this process on an engine's groups.</summary>
    private static int OpenBelow(string engineName) => Directory.GetFiles("/proc/self/fd")
        .Count(file => new FileInfo(file).LinkTarget?.Contains(engineName, StringComparison.Ordinal) == true);

    private static double Microseconds(long since) => Stopwatch.GetElapsedTime(since).TotalMicroseconds;

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }
}
