using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>A line as a console would show it, its exception's message included.</summary>
internal sealed record LogLine(LogLevel Level, int Id, string Text);

/// <summary>All that a worker's host logs.</summary>
internal sealed class CapturedLog : ILoggerProvider, ILogger
{
    private const int LinesShown = 30;
    private readonly ConcurrentQueue<LogLine> _lines = new();

    public IReadOnlyList<LogLine> Lines => [.. _lines];

    public IEnumerable<LogLine> Of(int id) => _lines.Where(line => line.Id == id);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue(new LogLine(logLevel, eventId.Id, $"{formatter(state, exception)} {exception?.Message}"));

    public void Dispose()
    {
    }

    public override string ToString() => string.Join(
        Environment.NewLine,
        _lines.Where(line => line.Level >= LogLevel.Information).TakeLast(LinesShown)
            .Select(line => $"{line.Level} {line.Id}: {line.Text}"));
}
