using System.Diagnostics;

namespace Containers.Benchmarks.Contenders;

/// <summary>One operation of the library, timed from the call to its completion.</summary>
internal sealed class SubjectContender(string name, Func<Task> operation) : IContender
{
    public string Name => name;

    public async ValueTask<double> RunAsync()
    {
        long start = Stopwatch.GetTimestamp();
        await operation();
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds;
    }

    public void Dispose()
    {
    }
}
