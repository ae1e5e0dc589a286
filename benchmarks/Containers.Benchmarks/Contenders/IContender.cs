namespace Containers.Benchmarks.Contenders;

/// <summary>One of the things compared.</summary>
internal interface IContender : IDisposable
{
    public string Name { get; }

    /// <summary>Does the work once; the microseconds it took.</summary>
    public ValueTask<double> RunAsync();
}
