using Containers.Benchmarks;
using Containers.Benchmarks.Images;
using Containers.Benchmarks.Names;
using Containers.Benchmarks.Networks;
using Containers.Benchmarks.Processes;

try
{
    var options = BenchmarkOptions.Parse(OwnNetwork.WithoutMark(args));
    if (Posix.EffectiveUser() != 0)
    {
        throw new BenchmarkException("run as root: crun and runc with limits, and the floor, need it");
    }

    if ((options.Networks || options.Names) && OwnNetwork.Enter(args) is { } status)
    {
        return status;
    }

    await (options switch
    {
        { Pull: { } reference } => PullProcess.RunAsync(options.Directory, reference),
        { Networks: true } => new NetworkBenchmark(options).RunAsync(),
        { Names: true } => new NamesBenchmark(options).RunAsync(),
        { Images: true } => new ImageBenchmark(options).RunAsync(),
        _ => new Benchmark(options).RunAsync(),
    });
    return 0;
}
catch (BenchmarkException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
