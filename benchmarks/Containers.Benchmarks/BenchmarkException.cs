namespace Containers.Benchmarks;

/// <summary>The benchmark cannot be run as asked; the message is for the person who started it.</summary>
internal sealed class BenchmarkException(string message) : Exception(message);
