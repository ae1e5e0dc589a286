using Microsoft.Extensions.Logging;

namespace Containers.Tests.Hosts;

/// <summary>Counts warnings about forwarding.</summary>
internal sealed class WarningCount : ILoggerFactory, ILogger
{
    private const int ForwardingEnabled = 202;
    private int _count;

    public int Count => _count;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (eventId.Id == ForwardingEnabled)
        {
            Interlocked.Increment(ref _count);
        }
    }

    public void Dispose()
    {
    }
}
