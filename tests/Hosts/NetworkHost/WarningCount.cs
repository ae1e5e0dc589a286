using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Containers.Tests.Hosts;

/// <summary>Counts warnings by their number.</summary>
internal sealed class WarningCount : ILoggerFactory, ILogger
{
    public const int ForwardingEnabled = 202;
    public const int OthersRefuseForwarded = 213;
    public const int OthersRefuseInput = 215;

    private readonly ConcurrentDictionary<int, int> _counts = new();

    public int this[int eventId] => _counts.GetValueOrDefault(eventId);

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _counts.AddOrUpdate(eventId.Id, 1, static (_, count) => count + 1);

    public void Dispose()
    {
    }
}
