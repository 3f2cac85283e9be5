namespace FastConsumer.Model;

/// <summary>How much fits into a state. A search that needs more is cut off there.</summary>
internal static class Bounds
{
#if ONE
    public const int Shards = 1, Workers = 2, Segments = 9, Transactions = 9, Messages = 2;
#elif BIG
    public const int Shards = 3, Workers = 3, Segments = 16, Transactions = 16, Messages = 4;
#else
    public const int Shards = 3, Workers = 2, Segments = 9, Transactions = 9, Messages = 2;
#endif

    /// <summary>How often the row of a shard may begin, the deletions by hand counted in.</summary>
    public const int Lives = 2;

    /// <summary>The position SHARD_END.</summary>
    public const int End = 15;

    /// <summary>A fence that no epoch passes.</summary>
    public const byte Closed = 99;
}
