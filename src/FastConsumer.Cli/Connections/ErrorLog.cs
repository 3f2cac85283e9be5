using Microsoft.Extensions.Logging;

namespace FastConsumer.Cli.Connections;

/// <summary>Writes what connections tell to standard error: what takes long, and warnings.</summary>
internal sealed class ErrorLog(TextWriter error) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            error.WriteLine(formatter(state, exception));
        }
    }
}
