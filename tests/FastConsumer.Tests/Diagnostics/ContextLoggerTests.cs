using FastConsumer.Diagnostics;
using FastConsumer.Tests.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Diagnostics;

public sealed class ContextLoggerTests : IDisposable
{
    private readonly LogRecorder _log = new();
    private readonly ContextLogger _logger;

    public ContextLoggerTests() => _logger = ContextLogger.ForWorker(
        _log.CreateLogger("FastConsumer"), "billing", "orders", "OrderProcessor");

    public void Dispose() => _log.Dispose();

    [Fact]
    public void Each_entry_has_the_workers_values_in_its_state_and_in_a_scope()
    {
        ConsumerLog.ReadThrottled(_logger, "shard-1", TimeSpan.FromSeconds(1), "slow down");
        LogEntry entry = Assert.Single(_log.Entries);
        Assert.Equal("GetRecords on shard shard-1 was throttled; waiting 00:00:01. slow down", entry.Message);
        Assert.Equal(
            ("billing", "orders", "OrderProcessor", "shard-1"),
            (Value(entry, "Application"), Value(entry, "Stream"), Value(entry, "Processor"), Value(entry, "ShardId")));
        Assert.Equal("{OriginalFormat}", entry.State[^1].Key);
        Assert.Equal(
            "Application: billing, Stream: orders, Processor: OrderProcessor, ShardId: shard-1", Assert.Single(entry.Scopes)!.ToString());
    }

    [Fact]
    public void A_value_that_the_message_names_itself_is_there_once()
    {
        ConsumerLog.Stopped(_logger, "Another", 3);
        LogEntry entry = Assert.Single(_log.Entries);
        Assert.Equal("Another", Assert.Single(entry.State, static item => item.Key == "Processor").Value);
    }

    /// <summary>
    /// A state that contains the type of the one it was given would be an endless recursion for the native compiler: Log of X calls Log of
    /// Entry of X, which calls Log of Entry of Entry of X.
    /// </summary>
    [Fact]
    public void The_state_has_one_type_whatever_the_messages_has()
    {
        _logger.LogInformation("plain");
        _logger.Log(LogLevel.Information, new EventId(1), 7, null, static (state, _) => $"state {state}");
        Assert.Equal(["plain", "state 7"], _log.Entries.Select(static entry => entry.Message));
        Type type = Assert.Single(_log.Entries.Select(static entry => entry.StateType).Distinct());
        Assert.False(type.IsConstructedGenericType, $"The state is a {type}.");
    }

    [Fact]
    public void A_shards_logger_adds_the_shard()
    {
        ContextLogger shard = ContextLogger.With(_logger, ContextLogger.Shard, "shard-7");
        shard.LogInformation("plain");
        LogEntry entry = Assert.Single(_log.Entries);
        Assert.Equal("shard-7", Value(entry, "ShardId"));
        Assert.Equal(
            "Application: billing, Stream: orders, Processor: OrderProcessor, ShardId: shard-7", Assert.Single(entry.Scopes)!.ToString());
    }

    [Fact]
    public async Task An_open_scope_reaches_other_loggers_and_is_not_repeated()
    {
        ILogger ofUser = _log.CreateLogger("Mine");
        using (ContextLogger.BeginScope(_logger))
        {
            await Task.Yield();
            ofUser.LogInformation("from the handler");
            _logger.LogInformation("from the worker");
        }

        ofUser.LogInformation("after it");
        Assert.Equal([1, 1, 0], _log.Entries.Select(static entry => entry.Scopes.Count));
    }

    private static object? Value(LogEntry entry, string key) => Assert.Single(entry.State, item => item.Key == key).Value;
}
