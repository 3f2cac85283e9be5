using Microsoft.Extensions.Logging;

namespace FastConsumer.LoadTest.Checkpoints;

/// <summary>Counts the log's word of lost leases; those that are handed over are not lost.</summary>
internal sealed class LossCounter(CheckpointTally tally) : ILoggerProvider, ILogger
{
    private const int LeaseLost = 2301;

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (eventId.Id == LeaseLost)
        {
            tally.Lost();
        }
    }

    public void Dispose()
    {
    }
}
