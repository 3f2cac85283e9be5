using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace FastConsumer.DynamoDb.Tests;

/// <summary>What a store said.</summary>
internal sealed class CollectedLog : ILogger
{
    private readonly ConcurrentQueue<(int Id, string Message)> _messages = new();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _messages.Enqueue((eventId.Id, formatter(state, exception)));

    public string[] Messages(int id) => [.. _messages.Where(message => message.Id == id).Select(static message => message.Message)];
}
