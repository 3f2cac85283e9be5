using FastConsumer.Hosting;

namespace FastConsumer.LoadTest.ExactlyOnce;

/// <summary>Where the values go, and what is asked of it in the end.</summary>
internal abstract class CountedSink : IAsyncDisposable
{
    /// <summary>All sinks, by the name that the command has for them.</summary>
    public static IReadOnlyDictionary<string, Func<ExactlyOnceServers, CountedSink>> All { get; } =
        new Dictionary<string, Func<ExactlyOnceServers, CountedSink>>
        {
            ["postgres"] = static servers => new PostgresCountedSink(servers.Postgres),
            ["dynamodb"] = static servers => new DynamoDbCountedSink(servers.DynamoUrl),
        };

    /// <summary>Makes the place for the values.</summary>
    public abstract Task CreateAsync(CancellationToken cancellationToken);

    /// <summary>Grows when values come.</summary>
    public abstract Task<long> ProgressAsync(CancellationToken cancellationToken);

    /// <summary>Of how many records there are values.</summary>
    public abstract Task<long> RecordsAsync(CancellationToken cancellationToken);

    /// <summary>All values, and how often each was written.</summary>
    public abstract IAsyncEnumerable<(CountedRecord Value, long Times)> ReadAsync(CancellationToken cancellationToken);

    /// <summary>In a worker: binds the output to the sink.</summary>
    public abstract void Bind(OutputBuilder<CountedRecord> output);

    public abstract ValueTask DisposeAsync();
}
