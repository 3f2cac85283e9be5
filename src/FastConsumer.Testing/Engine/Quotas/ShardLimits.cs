namespace FastConsumer.Testing.Engine.Quotas;

/// <summary>The service's limits of a shard (Kinesis Data Streams, "Quotas and limits").</summary>
internal static class ShardLimits
{
    public const int ReadCallsPerSecond = 5;

    public const long ReadBytesPerSecond = 2 * 1024 * 1024;

    /// <summary>Of enhanced fan-out: each consumer's own.</summary>
    public const long ConsumerBytesPerSecond = 2 * 1024 * 1024;

    public const int IteratorCallsPerSecond = 5;

    public const int WriteRecordsPerSecond = 1000;

    public const long WriteBytesPerSecond = 1024 * 1024;

    /// <summary>The most that one call reads, and so what it takes to be silenced for <see cref="FullAnswerPauseMs"/>.</summary>
    public const int FullAnswerBytes = 10 * 1024 * 1024;

    public const long FullAnswerPauseMs = 5000;
}
