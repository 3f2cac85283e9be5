using Microsoft.Extensions.Logging;

namespace DeadLetters;

/// <summary>FastConsumer's warnings and errors, a line for each: position, shard, attempts and exception stand in them.</summary>
internal sealed class OneLineLog : ILoggerProvider, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            string reason = exception is null ? "" : $" {exception.GetType().Name}: {exception.Message}";
            Console.WriteLine($"{eventId.Id} {formatter(state, exception)}{reason}");
        }
    }

    public void Dispose()
    {
    }
}
