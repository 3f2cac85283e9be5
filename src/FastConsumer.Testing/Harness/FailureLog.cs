using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Testing.Harness;

/// <summary>
/// Keeps of what FastConsumer logs what a test wants to know: the last exception, most often a handler's, and the record in front
/// of which a shard has stopped.
/// </summary>
internal sealed class FailureLog : ILoggerProvider, ILogger
{
    private const int ShardStopped = 2101;

    private readonly ConcurrentDictionary<string, CheckpointPosition> _stops = new(StringComparer.Ordinal);
    private volatile Exception? _last;

    public Exception? Last => _last;

    public CheckpointPosition? StopOf(string shardId) => _stops.TryGetValue(shardId, out CheckpointPosition position) ? position : null;

    public void Clear()
    {
        _last = null;
        _stops.Clear();
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (exception is null || !IsEnabled(logLevel))
        {
            return;
        }

        _last = exception;
        if (eventId.Id == ShardStopped
            && state is IReadOnlyList<KeyValuePair<string, object?>> values
            && Value(values, "ShardId") is string shardId
            && Value(values, "Position") is CheckpointPosition position)
        {
            _stops[shardId] = position;
        }
    }

    public void Dispose()
    {
        // nothing is held; it outlives the hosts that it is registered with
    }

    private static object? Value(IReadOnlyList<KeyValuePair<string, object?>> values, string name) =>
        values.FirstOrDefault(value => value.Key == name).Value;
}
