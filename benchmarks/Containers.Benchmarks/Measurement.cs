using Containers.Benchmarks.Contenders;

namespace Containers.Benchmarks;

/// <summary>The sorted times of one contender, in microseconds.</summary>
internal sealed class Measurement
{
    private readonly double[] _sorted;

    private Measurement(string name, IEnumerable<double> times) => (Name, _sorted) = (name, [.. times.Order()]);

    public string Name { get; }

    public double P50 => Percentile(0.50);

    public double P90 => Percentile(0.90);

    public double P100 => _sorted[^1];

    /// <summary>
    /// Runs all contenders in rounds, each round in another order: they share the machine's slow and fast moments, and none always
    /// pays for what the one before it leaves to the kernel (network namespaces are taken apart after their processes are gone).
    /// </summary>
    public static async Task<IReadOnlyList<Measurement>> TakeAsync(IReadOnlyList<IContender> contenders, int runs, int warmUp)
    {
        const int seed = 20;
        var random = new Random(seed);
        IContender[] order = [.. contenders];
        var times = contenders.ToDictionary(contender => contender, _ => new List<double>(runs));
        for (int round = -warmUp; round < runs; round++)
        {
            random.Shuffle(order);
            foreach (IContender contender in order)
            {
                double time = await contender.RunAsync();
                if (round >= 0)
                {
                    times[contender].Add(time);
                }
            }
        }

        return [.. contenders.Select(contender => new Measurement(contender.Name, times[contender]))];
    }

    private double Percentile(double fraction) => _sorted[Math.Min((int)(_sorted.Length * fraction), _sorted.Length - 1)];
}
