using FastConsumer.Kinesis;

namespace FastConsumer.Reading;

/// <summary>
/// How far a reader has passed a shard's records on, and so where the next iterator or subscription starts. It moves only
/// after records were passed on, so what was passed on is a contiguous run.
/// </summary>
internal sealed class ShardPosition
{
    private readonly StreamIdentifier _stream;
    private readonly string _shardId;
    private DateTimeOffset? _startedAt;
    private bool _latestIsNow;
    private bool _insideRecord;
    private SequenceNumber? _continuation;

    public ShardPosition(ShardReaderSettings settings)
    {
        _stream = settings.Stream;
        _shardId = settings.Shard.ShardId;
        _startedAt = settings.StartedAt;
        _latestIsNow = settings.IsFirstStart || settings.StartedAt is null;
        Current = settings.Start;
        // A checkpoint does not say how many records its aggregate has, nor, at sub-sequence number 0, whether it is one; KCL
        // writes both kinds alike. So it is read AT, and what is done is dropped.
        _insideRecord = settings.Start.Kind == CheckpointKind.Record && (settings.Deaggregate || settings.Start.SubSequenceNumber > 0);
    }

    /// <summary>The last record passed on, or the start.</summary>
    public CheckpointPosition Current { get; private set; }

    /// <summary>What is done of the records that come next: the checkpoint that they were asked for AT, or nothing.</summary>
    public CheckpointPosition Done => _insideRecord ? Current : default;

    /// <summary>What to ask the service for, now.</summary>
    public async ValueTask<StartingPosition> NextAsync(IKinesisClient client, TimeProvider time, CancellationToken cancellationToken)
    {
        if (_startedAt is null && _continuation is null && Current.Kind == CheckpointKind.Latest)
        {
            // KCL's leases do not say when they were at LATEST. Asked for before the first iterator, so that nothing lies between.
            // By the service's clock where it can be had soon: shards that have a lease are read without ListShards too.
            ListShardsResponse? listing = await BestEffortCall.TryAsync(
                token => client.ListShardsAsync(_stream, nextToken: null, token), time, cancellationToken);
            _startedAt = ShardListing.Before(listing?.AnsweredAt, time);
        }

        bool latestIsNow = _latestIsNow;
        // LATEST is now but once: from here on it is a moment in the past, whether this call succeeds or not
        _latestIsNow = false;
        return _continuation is { } number ? StartingPosition.After(number) : Current.Kind switch
        {
            CheckpointKind.Record when _insideRecord => StartingPosition.At(Current.SequenceNumber),
            CheckpointKind.Record => StartingPosition.After(Current.SequenceNumber),
            CheckpointKind.Latest when latestIsNow => StartingPosition.Latest,
            CheckpointKind.Latest or CheckpointKind.AtTimestamp => StartingPosition.AtTimestamp(_startedAt
                ?? throw new InvalidOperationException(
                    $"Shard {_shardId} starts at a timestamp, and neither its lease nor the options say at which: set StartTimestamp.")),
            _ => StartingPosition.TrimHorizon,
        };
    }

    /// <summary>
    /// The service refused to go on from the continuation number: from now on <see cref="Current"/> counts, which it has known. Records
    /// that came between, of which there were none to pass on, are not repeated. False where there was no continuation number.
    /// </summary>
    public bool TryForgetContinuation(out SequenceNumber forgotten)
    {
        forgotten = _continuation.GetValueOrDefault();
        bool isForgotten = _continuation is not null;
        _continuation = null;
        return isForgotten;
    }

    /// <summary>Records up to <paramref name="last"/> were passed on.</summary>
    public void Advance(CheckpointPosition last)
    {
        // the last aggregate was passed on as a whole
        Current = last;
        _insideRecord = false;
        _continuation = null;
    }

    /// <summary>Everything up to a continuation number was passed on, records or not.</summary>
    public void Advance(SequenceNumber continuation)
    {
        // never behind a record that was passed on
        if (Current.Kind != CheckpointKind.Record || continuation > Current.SequenceNumber)
        {
            _continuation = continuation;
        }
    }
}
