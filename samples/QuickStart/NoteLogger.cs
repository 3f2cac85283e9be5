using Microsoft.Extensions.Logging;

namespace QuickStart;

/// <summary>Brings log messages into the view, so that they do not tear it apart.</summary>
internal sealed class NoteLogger(Tally tally) : ILoggerProvider, ILogger
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
            tally.Note($"{logLevel}: {formatter(state, exception)}{(exception is null ? "" : $" {exception.Message}")}");
        }
    }

    public void Dispose()
    {
    }
}
