using Containers.Benchmarks;
using Containers.Benchmarks.Images;
using Containers.Benchmarks.Names;
using Containers.Benchmarks.Processes;

try
{
    var options = BenchmarkOptions.Parse(args);
    if (Posix.EffectiveUser() != 0)
    {
        throw new BenchmarkException("run as root: crun and runc with limits, and the floor, need it");
    }

    await (options switch
    {
        { Pull: { } reference } => PullProcess.RunAsync(options.Directory, reference),
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
