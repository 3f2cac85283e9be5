using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace FastConsumer.Diagnostics;

/// <summary>
/// One shard's names, and its figures: what is counted of it, and what its reader waits for. Nothing is measured per record. What a meter
/// listener throws is caught. Made for one run of the shard; thread-safe.
/// </summary>
internal sealed class ShardTelemetry
{
    public const string ApplicationTag = "fastconsumer.application";
    public const string StreamTag = "aws.kinesis.stream_name";
    public const string ShardTag = "aws.kinesis.shard.id";

    private readonly ConsumerMetrics? _metrics;
    private readonly CallbackGuard _guard;
    private readonly TagList _worker;
    private readonly TagList _shard;
    private readonly TagList _messaging;
    private readonly bool _namesShards;
    private long _reads;
    private long _fullReads;
    private long _largeReads;
    private long _refused;
    private long _bytes;
    private long _done;
    private long _handlingTicks;
    private long _skipped;
    private long _deadLettered;
    private long _foreign;
    private volatile string? _report;

    /// <param name="metrics">The instruments; null where nothing is measured.</param>
    /// <param name="guard">Catches what listeners throw.</param>
    /// <param name="application">The application's name.</param>
    /// <param name="stream">The stream's name.</param>
    /// <param name="shardId">The shard's id.</param>
    /// <param name="time">The clock.</param>
    /// <param name="namesShards">Whether figures name the shard.</param>
    /// <param name="isOff">For load tests: nothing is measured or counted of a page.</param>
    public ShardTelemetry(
        ConsumerMetrics? metrics,
        CallbackGuard guard,
        string application,
        string stream,
        string shardId,
        TimeProvider time,
        bool namesShards = true,
        bool isOff = false)
    {
        IsOff = isOff;
        _metrics = isOff ? null : metrics;
        _guard = guard;
        _namesShards = namesShards;
        Application = application;
        Stream = stream;
        ShardId = shardId;
        Time = new ShardTime(time, isOff);
        Seconds = new PerSecondMeter(time, this);
        _worker = new TagList { { ApplicationTag, application }, { StreamTag, stream } };
        _shard = _worker;
        if (namesShards)
        {
            _shard.Add(ShardTag, shardId);
        }

        _messaging = _worker;
        _messaging.Add("messaging.system", "aws.kinesis");
        _messaging.Add("messaging.operation.name", "process");
        _messaging.Add("messaging.destination.name", stream);
        _messaging.Add("messaging.consumer.group.name", application);
    }

    public string Application { get; }

    public string Stream { get; }

    public string ShardId { get; }

    /// <summary>How the shard stood at the last sample, for its lease's row; null before the first.</summary>
    public string? Report
    {
        get => _report;
        set => _report = value;
    }

    /// <summary>For load tests: true where nothing is measured or counted of a page.</summary>
    public bool IsOff { get; }

    /// <summary>Where findings of the shard hold.</summary>
    public string Scope => $"{Application}/{Stream}/{ShardId}";

    /// <summary>What the shard's reader does or waits for.</summary>
    public ShardTime Time { get; }

    /// <summary>What was read within each second.</summary>
    public PerSecondMeter Seconds { get; }

    /// <summary>What was counted of the shard so far.</summary>
    public ShardCounts Counts => new()
    {
        Reads = Interlocked.Read(ref _reads),
        FullReads = Interlocked.Read(ref _fullReads),
        LargeReads = Interlocked.Read(ref _largeReads),
        Refused = Interlocked.Read(ref _refused),
        Bytes = Interlocked.Read(ref _bytes),
        Done = Interlocked.Read(ref _done),
        Handling = new TimeSpan(Interlocked.Read(ref _handlingTicks)),
        Skipped = Interlocked.Read(ref _skipped),
        DeadLettered = Interlocked.Read(ref _deadLettered),
        Foreign = Interlocked.Read(ref _foreign),
    };

    /// <summary>The part of the shard's read quota that is taken; null with fan-out.</summary>
    public double? ReadShare { get; set; }

    /// <summary>The shard's part of what its worker has read lately.</summary>
    public double? BytesShare { get; set; }

    /// <summary>True where somebody wants to know how long reads take.</summary>
    public bool TimesReads => _metrics is { ReadDuration.Enabled: true };

    /// <summary>True where somebody wants to know how long a single record takes.</summary>
    public bool TimesRecords => _metrics is { HandlerRecordDuration.Enabled: true };

    /// <param name="records">The records of the answer.</param>
    /// <param name="bytes">Their data and partition keys.</param>
    /// <param name="isFull">True where it holds as many records as the options allow.</param>
    /// <param name="isLarge">True where the service asks for five seconds of silence after it.</param>
    public void Read(int records, long bytes, bool isFull = false, bool isLarge = false)
    {
        if (IsOff)
        {
            return;
        }

        Interlocked.Increment(ref _reads);
        Interlocked.Add(ref _bytes, bytes);
        if (isFull)
        {
            Interlocked.Increment(ref _fullReads);
        }

        if (isLarge)
        {
            Interlocked.Increment(ref _largeReads);
        }

        Add(_metrics?.Reads, 1, _shard);
        Add(_metrics?.RecordsRead, records, _shard);
        Add(_metrics?.BytesRead, bytes, _shard);
        if (records == 0)
        {
            Add(_metrics?.ReadsEmpty, 1, _worker);
        }
    }

    /// <param name="duration">How long the call took.</param>
    /// <param name="error">What it failed with; null where it did not.</param>
    public void ReadTook(TimeSpan duration, string? error) =>
        Record(_metrics?.ReadDuration, duration.TotalSeconds, WithError(_worker, error));

    public void SecondRead(int calls, long bytes)
    {
        Record(_metrics?.SecondCalls, calls, _worker);
        Record(_metrics?.SecondBytes, bytes, _worker);
    }

    public void LeftOut(int records)
    {
        Interlocked.Add(ref _foreign, records);
        Add(_metrics?.RecordsForeign, records, _shard);
    }

    public void ReadThrottled()
    {
        Interlocked.Increment(ref _refused);
        Seconds.Refused();
        Add(_metrics?.ReadsThrottled, 1, _shard);
    }

    public void IteratorExpired() => Add(_metrics?.IteratorsExpired, 1, _worker);

    public void Done(long records)
    {
        if (records > 0 && !IsOff)
        {
            Interlocked.Add(ref _done, records);
            Add(_metrics?.RecordsDone, records, _shard);
            Add(_metrics?.ConsumedMessages, records, _messaging);
        }
    }

    /// <param name="error">The exception that left the handler.</param>
    public void Failed(Exception error) =>
        Add(_metrics?.HandlerFailures, 1, _namesShards ? _shard : WithError(_worker, error.GetType().FullName));

    /// <param name="duration">How long the handler took for a lane's records of a page, or for a batch.</param>
    /// <param name="error">What it failed with; null where it did not.</param>
    public void Processed(TimeSpan duration, Exception? error)
    {
        if (IsOff)
        {
            return;
        }

        Interlocked.Add(ref _handlingTicks, duration.Ticks);
        Record(_metrics?.ProcessDuration, duration.TotalSeconds, WithError(_messaging, error?.GetType().FullName));
    }

    public void RecordTook(TimeSpan duration) => Record(_metrics?.HandlerRecordDuration, duration.TotalSeconds, _worker);

    public void Skipped()
    {
        Interlocked.Increment(ref _skipped);
        Add(_metrics?.RecordsSkipped, 1, _shard);
    }

    public void DeadLettered()
    {
        Interlocked.Increment(ref _deadLettered);
        Add(_metrics?.RecordsDeadLettered, 1, _shard);
    }

    public void Filtered(long records)
    {
        if (records > 0)
        {
            Add(_metrics?.RecordsFiltered, records, _shard);
        }
    }

    public void Checkpointed() => Add(_metrics?.Checkpoints, 1, _shard);

    /// <summary>A snapshot of the state is in its store.</summary>
    /// <param name="took">How long it took.</param>
    /// <param name="bytes">How much it has written.</param>
    public void StateSealed(TimeSpan took, long bytes)
    {
        Record(_metrics?.StateDuration, took.TotalSeconds, _worker);
        Record(_metrics?.StateSize, bytes, _worker);
    }

    /// <summary>A snapshot of the state could not be written.</summary>
    public void StateFailed() => Add(_metrics?.StateFailures, 1, _shard);

    public void OutputsWritten(long values) => Add(_metrics?.OutputsWritten, values, _shard);

    public void OutputSkipped() => Add(_metrics?.OutputsSkipped, 1, _shard);

    public void OutputsFailed() => Add(_metrics?.OutputFailures, 1, _shard);

    /// <summary>A sweep has deleted objects of the state.</summary>
    public void StateSwept(int objects) => Add(_metrics?.StateSwept, objects, _worker);

    public void LeaseTaken() => Add(_metrics?.LeasesTaken, 1, _worker);

    public void LeaseLost() => Add(_metrics?.LeasesLost, 1, _worker);

    /// <param name="action">What an operator wanted.</param>
    /// <param name="isDone">False where it was refused.</param>
    public void OperatorActed(string action, bool isDone)
    {
        TagList tags = _worker;
        tags.Add("fastconsumer.action", action.ToLowerInvariant());
        tags.Add("fastconsumer.outcome", isDone ? "done" : "refused");
        Add(_metrics?.OperatorActions, 1, tags);
    }

    public void LeaseHandedOver() => Add(_metrics?.LeasesHandedOver, 1, _worker);

    private static TagList WithError(in TagList tags, string? error)
    {
        TagList with = tags;
        if (error is not null)
        {
            with.Add("error.type", error);
        }

        return with;
    }

    private void Add(Counter<long>? counter, long value, in TagList tags) =>
        Guarded(counter, value, tags, static (counter, value, tags) => counter.Add(value, tags));

    private void Record<T>(Histogram<T>? histogram, T value, in TagList tags)
        where T : struct => Guarded(histogram, value, tags, static (histogram, value, tags) => histogram.Record(value, tags));

    private void Guarded<TInstrument, TValue>(
        TInstrument? instrument, TValue value, in TagList tags, Action<TInstrument, TValue, TagList> record)
        where TInstrument : Instrument
    {
        if (instrument is not { Enabled: true })
        {
            return;
        }

        CallbackGuard.Call call = _guard.Enter(CallbackGuard.MeterListener);
        try
        {
            record(instrument, value, tags);
        }
        catch (Exception e)
        {
            _guard.Failed(CallbackGuard.MeterListener, e);
        }
        finally
        {
            CallbackGuard.Leave(call);
        }
    }
}
