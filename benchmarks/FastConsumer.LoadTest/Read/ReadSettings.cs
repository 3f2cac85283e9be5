namespace FastConsumer.LoadTest.Read;

/// <summary>What reads: FastConsumer's worker, the SDK's way, or nobody (the answers are thrown away).</summary>
internal enum ReadClient
{
    Fast,
    Sdk,
    Drain,
}

/// <summary>What becomes of telemetry in a run of FastConsumer's worker.</summary>
internal enum ReadTelemetry
{
    /// <summary>As usual, with nobody who listens.</summary>
    NoListener,

    /// <summary>No call of it is made.</summary>
    Plain,

    /// <summary>A meter listener hears all instruments.</summary>
    Listener,
}

/// <summary>
/// What the processor of a run of FastConsumer's worker has of state. All three are checkpointed once a second and never by the number of
/// records, which else would differ with state.
/// </summary>
internal enum ReadState
{
    /// <summary>None.</summary>
    Off,

    /// <summary>One that its handler never uses.</summary>
    Untouched,

    /// <summary>One that its handler changes with each record, by its key.</summary>
    Keyed,
}

/// <summary>One run.</summary>
internal sealed record ReadSettings(ReadClient Client, bool IsCbor, long Records, int Size, int Shards, int PerAnswer)
{
    private const int LargestAnswer = 10 * 1024 * 1024;
    private const int LargestCount = 10_000;

    public ReadTelemetry Telemetry { get; init; }

    /// <summary>Null for a worker as usual, without state.</summary>
    public ReadState? State { get; init; }

    /// <summary>Records that are read before the figures begin: the JIT has its say first, for some seconds at least.</summary>
    public long WarmUp => Math.Max(Records / 2, 20L * PerAnswer * Shards);

    /// <summary>The most records that an answer of the service could hold.</summary>
    public static int Most(int size) => Math.Clamp(LargestAnswer / (size + 8), 1, LargestCount);
}
