using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace FastConsumer.CloudWatch.Tests;

/// <summary>What the package logs.</summary>
internal sealed class RecordedLog : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<(int Id, string Text)> _entries = new();

    public IReadOnlyList<(int Id, string Text)> Entries => [.. _entries.Where(static entry => entry.Id is >= 2700 and < 2800)];

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _entries.Enqueue((eventId.Id, formatter(state, exception)));

    public void Dispose()
    {
        // nothing is held
    }
}
