using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Hosting;

/// <summary>One message as it was logged.</summary>
internal sealed record LogEntry(LogLevel Level, int Id, string Message, Exception? Error);

/// <summary>Keeps what was logged.</summary>
internal sealed class LogRecorder : ILoggerProvider
{
    private readonly ConcurrentQueue<LogEntry> _entries = new();

    public IReadOnlyList<LogEntry> Entries => [.. _entries];

    public IEnumerable<LogEntry> Of(int id) => _entries.Where(entry => entry.Id == id);

    public ILogger CreateLogger(string categoryName) => new Recorder(this);

    public override string ToString() => string.Join('\n', _entries.Select(static entry => $"{entry.Level} {entry.Id}: {entry.Message} {entry.Error?.GetType().Name} {entry.Error?.Message}"));

    public void Dispose()
    {
    }

    private sealed class Recorder(LogRecorder owner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            owner._entries.Enqueue(new LogEntry(logLevel, eventId.Id, formatter(state, exception), exception));
    }
}
