namespace FastConsumer.Diagnostics;

/// <summary>How one worker stands at one moment: what metrics, findings and dashboards show.</summary>
public sealed record WorkerSnapshot
{
    /// <summary>The application's name.</summary>
    public required string ApplicationName { get; init; }

    /// <summary>The stream's name.</summary>
    public required string StreamName { get; init; }

    /// <summary>The processor's name.</summary>
    public required string ProcessorName { get; init; }

    /// <summary>The worker's name in the lease table.</summary>
    public required string WorkerId { get; init; }

    /// <summary>The shards whose leases this worker holds, in no order.</summary>
    public required IReadOnlyList<ShardSnapshot> Shards { get; init; }

    /// <summary>How long the stream keeps a record; null where that is not known yet.</summary>
    public TimeSpan? Retention { get; init; }

    /// <summary>When the first record is lost if lags go on growing as they do; null while none grows.</summary>
    public TimeSpan? LossIn { get; init; }

    /// <summary>
    /// The shards that were begun, are not finished, and have no owner that lives, by this worker's last list of the lease table.
    /// </summary>
    public int UnreadShards { get; init; }

    /// <summary>The longest time since one of the held leases was renewed; zero where none is held.</summary>
    public TimeSpan LongestSinceRenewal { get; init; }

    /// <summary>Bytes held between socket and handler, of all processors of the consumer.</summary>
    public long BufferUsed { get; init; }

    /// <summary>The bound of <see cref="BufferUsed"/>: PrefetchBytes.</summary>
    public long BufferLimit { get; init; }

    /// <summary>Seconds of all shards in each state, those that are gone included.</summary>
    public IReadOnlyDictionary<ShardState, double> TimeByState { get; init; } = new Dictionary<ShardState, double>();

    /// <summary>What the lease table was asked for by this worker; null where its store does not count.</summary>
    public LeaseTableCounts? LeaseTable { get; init; }
}

/// <summary>What a lease table was asked for since the worker started.</summary>
/// <param name="Requests">Requests sent.</param>
/// <param name="WriteUnits">Write units.</param>
/// <param name="ReadUnits">Read units.</param>
/// <param name="Throttled">Reads and writes that were throttled.</param>
public sealed record LeaseTableCounts(long Requests, long WriteUnits, double ReadUnits, long Throttled);

/// <summary>How one shard stands at one moment, in the worker that reads it.</summary>
public sealed record ShardSnapshot
{
    /// <summary>The shard's id.</summary>
    public required string ShardId { get; init; }

    /// <summary>When it stood so, by the service's clock.</summary>
    public DateTimeOffset Taken { get; init; }

    /// <summary>What its reader does or waits for.</summary>
    public ShardState State { get; init; }

    /// <summary>The age of the oldest record that is not done; null where no answer has come yet.</summary>
    public TimeSpan? Lag { get; init; }

    /// <summary>KCL's MillisBehindLatest of the last answer, and the time since; null where no answer has come yet.</summary>
    public TimeSpan? BehindLatest { get; init; }

    /// <summary>The part of the shard's read quota that is taken, at most 1; null with fan-out.</summary>
    public double? ReadShare { get; init; }

    /// <summary>The shard's part of what its worker read within the last minute; null within the first.</summary>
    public double? BytesShare { get; init; }

    /// <summary>How long something has been done that no checkpoint covers; zero where nothing waits.</summary>
    public TimeSpan CheckpointAge { get; init; }

    /// <summary>The checkpoint that was written last.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>Records that were given to lanes and are not done.</summary>
    public int RecordsInFlight { get; init; }

    /// <summary>Lanes that have records to run.</summary>
    public int LanesBusy { get; init; }

    /// <summary>The longest that a call of the handler was seen to run within the last half minute.</summary>
    public TimeSpan LongestCall { get; init; }
}
