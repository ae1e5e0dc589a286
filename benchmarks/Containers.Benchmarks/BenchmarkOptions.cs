using System.Globalization;

namespace Containers.Benchmarks;

/// <summary>The command line.</summary>
internal sealed record BenchmarkOptions
{
    public const string Usage = """
        Run as root: dotnet run -c Release --project benchmarks/Containers.Benchmarks -- [options]
          --runs N          measured runs of each contender (default 200)
          --warm-up N       runs before them (default 20)
          --quick           20 runs, 3 of warm-up
          --directory DIR   where the root, bundles and state go (default /dev/shm: to compare programs, not disks)
          --images          measure images instead: pulls, and containers of stored images
          --pulls N         pulls of each contender, and rounds of throughput (default 5)
          --names           measure the name server of networks instead
          --networks        measure containers on bridge networks instead
          --write           also write the report to benchmarks/RESULTS.md, IMAGES.md, NAMES.md or NETWORKS.md
          --once [N]        only run our container N times (default once), for strace -f -c
          --pull REFERENCE  only pull that image into a store in --directory, and say the peak of this process's memory
        """;

    public int Runs { get; private init; } = 200;

    public int WarmUp { get; private init; } = 20;

    /// <summary>Runs of our container before everything else, until the runtime has compiled its code for the last time.</summary>
    public int Settle { get; private init; } = 1000;

    public string Directory { get; private init; } = "/dev/shm";

    public bool Write { get; private init; }

    /// <summary>Measure images, and not containers of a directory.</summary>
    public bool Images { get; private init; }

    /// <summary>Measure answers about names.</summary>
    public bool Names { get; private init; }

    /// <summary>Measure containers on networks.</summary>
    public bool Networks { get; private init; }

    /// <summary>Pulls of each contender, and rounds of throughput.</summary>
    public int Pulls { get; private init; } = 5;

    /// <summary>An image to pull, and do nothing else, if asked.</summary>
    public string? Pull { get; private init; }

    /// <summary>How often to run our container and do nothing else, if asked.</summary>
    public int? Once { get; private init; }

    public static BenchmarkOptions Parse(ReadOnlySpan<string> arguments)
    {
        var options = new BenchmarkOptions();
        for (int i = 0; i < arguments.Length; i++)
        {
            bool valueFollows = i + 1 < arguments.Length && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal);
            switch (arguments[i])
            {
                case "--quick":
                    options = options with { Runs = 20, WarmUp = 3, Settle = 100, Pulls = 1 };
                    break;
                case "--write":
                    options = options with { Write = true };
                    break;
                case "--once":
                    options = options with { Once = valueFollows ? Count(arguments[++i]) : 1 };
                    break;
                case "--images":
                    options = options with { Images = true };
                    break;
                case "--names":
                    options = options with { Names = true };
                    break;
                case "--networks":
                    options = options with { Networks = true };
                    break;
                case "--pulls" when valueFollows:
                    options = options with { Pulls = Count(arguments[++i]) };
                    break;
                case "--pull" when valueFollows:
                    options = options with { Pull = arguments[++i] };
                    break;
                case "--runs" when valueFollows:
                    options = options with { Runs = Count(arguments[++i]) };
                    break;
                case "--warm-up" when valueFollows:
                    options = options with { WarmUp = Count(arguments[++i]) };
                    break;
                case "--directory" when valueFollows:
                    options = options with { Directory = Path.GetFullPath(arguments[++i]) };
                    break;
                default:
                    throw new BenchmarkException($"{arguments[i]}: not understood\n{Usage}");
            }
        }

        return options;
    }

    private static int Count(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0
            ? count
            : throw new BenchmarkException($"{text}: not a positive number\n{Usage}");
}
