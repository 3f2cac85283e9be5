namespace FastConsumer.LoadTest.Shards;

/// <summary>What a worker with many quiet shards costs, warm-up excluded.</summary>
internal sealed record ShardsFigures
{
    public required int Shards { get; init; }

    public required double WallSeconds { get; init; }

    public required long Records { get; init; }

    public required long Reads { get; init; }

    public required double CpuSeconds { get; init; }

    public required long AllocatedBytes { get; init; }

    public required long ManagedHeapBytes { get; init; }

    public required long WorkingSet { get; init; }

    public required long PeakWorkingSet { get; init; }

    public required int Threads { get; init; }

    public required int MostThreads { get; init; }

    public double CpuPercentOfOneCore => CpuSeconds * 100 / WallSeconds;

    public double WorkingSetPerShard => (double)WorkingSet / Shards;
}
