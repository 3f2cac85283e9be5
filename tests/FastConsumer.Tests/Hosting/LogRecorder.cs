using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Hosting;

/// <summary>One message as it was logged.</summary>
internal sealed record LogEntry(LogLevel Level, int Id, string Message, Exception? Error)
{
    /// <summary>The values of its state.</summary>
    public IReadOnlyList<KeyValuePair<string, object?>> State { get; init; } = [];

    /// <summary>The type argument of the call.</summary>
    public required Type StateType { get; init; }

    /// <summary>The scopes around it, outermost first.</summary>
    public IReadOnlyList<object?> Scopes { get; init; } = [];
}

/// <summary>Keeps what was logged.</summary>
internal sealed class LogRecorder : ILoggerProvider
{
    private readonly LoggerExternalScopeProvider _scopes = new();
    private readonly ConcurrentQueue<LogEntry> _entries = new();

    public IReadOnlyList<LogEntry> Entries => [.. _entries];

    public IEnumerable<LogEntry> Of(int id) => _entries.Where(entry => entry.Id == id);

    public ILogger CreateLogger(string categoryName) => new Recorder(this);

    public override string ToString() => string.Join(
        '\n',
        _entries.Select(static entry => $"{entry.Level} {entry.Id}: {entry.Message} {entry.Error?.GetType().Name} {entry.Error?.Message}"));

    public void Dispose()
    {
    }

    private sealed class Recorder(LogRecorder owner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => owner._scopes.Push(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            List<object?> scopes = [];
            owner._scopes.ForEachScope(static (scope, found) => found.Add(scope), scopes);
            owner._entries.Enqueue(new LogEntry(logLevel, eventId.Id, formatter(state, exception), exception)
            {
                StateType = typeof(TState),
                State = state is IEnumerable<KeyValuePair<string, object?>> values ? [.. values] : [],
                Scopes = scopes,
            });
        }
    }
}
