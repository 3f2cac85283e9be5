namespace FastConsumer.Testing.Engine;

/// <summary>
/// One stream. Whoever touches it holds <see cref="Gate"/> and has called <see cref="Settle"/> first: there are no
/// timers, so a transition ends when someone looks.
/// </summary>
internal sealed partial class StreamState(long number, string name, string arn, string mode, long createdMs, int shardCount, long dueMs)
{
    private readonly SortedDictionary<string, ConsumerState> _consumers = new(StringComparer.Ordinal);
    private long _dueMs = dueMs;
    private Action<long>? _atEnd;

    public Lock Gate { get; } = new();

    /// <summary>Tells one life of a name from the next.</summary>
    public long Number { get; } = number;

    public string Name { get; } = name;

    public string Arn { get; } = arn;

    public string Mode { get; set; } = mode;

    public long CreatedMs { get; } = createdMs;

    /// <summary>The KMS key that it is said to be encrypted with; null for none.</summary>
    public string? KeyId { get; set; }

    /// <summary>How long records are kept.</summary>
    public int RetentionHours { get; private set; } = 24;

    /// <summary>The largest record, data alone.</summary>
    public required int MaxRecordBytes { get; set; }

    /// <summary>The shard-level metrics that are said to be published.</summary>
    public IReadOnlyList<string> ShardLevelMetrics { get; set; } = [];

    /// <summary>The warm throughput that was asked for; null where none was.</summary>
    public int? WarmTargetMiBps { get; set; }

    /// <summary>One of <see cref="RecordDistribution"/>.</summary>
    public string Distribution { get; set; } = RecordDistribution.UserPartitionKey;

    public ResourceAttachments Attached { get; } = new();

    public DailyAllowance Scalings { get; } = new(10);

    public DailyAllowance ModeChanges { get; } = new(2);

    public DailyAllowance EncryptionStarts { get; } = new(25);

    public DailyAllowance EncryptionStops { get; } = new(25);

    public string Status { get; private set; } = StreamStatus.Creating;

    public bool IsGone { get; private set; }

    public IReadOnlyDictionary<string, ConsumerState> Consumers => _consumers;

    public void Settle(long nowMs)
    {
        foreach (ConsumerState gone in _consumers.Values.Where(consumer => consumer.Settle(nowMs)).ToArray())
        {
            _consumers.Remove(gone.Name);
        }

        if (Status == StreamStatus.Active || nowMs < _dueMs)
        {
            return;
        }

        switch (Status)
        {
            case StreamStatus.Creating:
                _open.AddRange(HashKeys.Divide(shardCount).Select(range => Add(range, CreatedMs, [])));
                Status = StreamStatus.Active;
                break;
            case StreamStatus.Updating:
                _atEnd!(_dueMs);
                _atEnd = null;
                Status = StreamStatus.Active;
                break;
            case StreamStatus.Deleting:
                IsGone = true;
                break;
        }
    }

    public void Delete(long dueMs)
    {
        Status = StreamStatus.Deleting;
        _dueMs = dueMs;
        WakeSubscriptions();
    }

    /// <summary>Changes the stream when the transition ends; the action is given that time.</summary>
    public void Update(long dueMs, Action<long> atEnd)
    {
        Status = StreamStatus.Updating;
        _dueMs = dueMs;
        _atEnd = atEnd;
    }

    public void AddConsumer(ConsumerState consumer) => _consumers.Add(consumer.Name, consumer);

    /// <summary>The time before which records are forgotten.</summary>
    public long HorizonMs(long nowMs) => nowMs - (RetentionHours * 3_600_000L);

    /// <summary>Changes how long records are kept; what was due to be forgotten by then is.</summary>
    public void SetRetention(int hours, long atMs)
    {
        TrimShards(atMs);
        foreach (ShardState shard in Shards)
        {
            shard.Trim(HorizonMs(atMs));
        }

        RetentionHours = hours;
    }

    public StreamView View() => new(Name, Arn, Status, Mode, CreatedMs, RetentionHours, OpenShardCount, _consumers.Count, KeyId)
    {
        ShardLevelMetrics = ShardLevelMetrics,
        MaxRecordKiB = (MaxRecordBytes + 1023) / 1024,
        Distribution = Mode == StreamModes.OnDemand ? Distribution : null,
    };
}
