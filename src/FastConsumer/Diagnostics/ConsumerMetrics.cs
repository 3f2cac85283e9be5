using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace FastConsumer.Diagnostics;

/// <summary>
/// The meter <c>FastConsumer</c>. Per record nothing is measured: counts are added per page and per checkpoint. What a listener throws is
/// caught.
/// </summary>
internal sealed class ConsumerMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "FastConsumer";

    private readonly Counter<long> _recordsRead;
    private readonly Counter<long> _recordsForeign;
    private readonly Counter<long> _bytesRead;
    private readonly Counter<long> _reads;
    private readonly Counter<long> _throttledReads;
    private readonly Histogram<long> _bytesPerSecond;
    private readonly Histogram<int> _callsPerSecond;
    private readonly Gauge<double> _readShare;
    private readonly Gauge<double> _bytesShare;
    private readonly Counter<long> _recordsDone;
    private readonly Counter<long> _failures;
    private readonly Counter<long> _skipped;
    private readonly Counter<long> _deadLettered;
    private readonly Counter<long> _filtered;
    private readonly Counter<long> _checkpoints;
    private readonly UpDownCounter<long> _leases;
    private readonly Gauge<long> _millisBehindLatest;
    private CallbackGuard _guard = CallbackGuard.Silent;

    public ConsumerMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create(MeterName);
        _reads = meter.CreateCounter<long>("fastconsumer.reads", "{call}", "Answered GetRecords calls.");
        _throttledReads = meter.CreateCounter<long>("fastconsumer.reads.throttled", "{call}", "GetRecords calls refused for throughput.");
        _bytesPerSecond = meter.CreateHistogram<long>(
            "fastconsumer.reads.second.bytes",
            "By",
            "What was read from a shard within a second, one value for each second with reads; a shard allows 2 MiB.");
        _callsPerSecond = meter.CreateHistogram<int>(
            "fastconsumer.reads.second.calls",
            "{call}",
            "Answered GetRecords calls within a second, one value for each second with reads; a shard allows 5.");
        _readShare = meter.CreateGauge<double>(
            "fastconsumer.reads.share", "1", "The part of the shard's read quota that is taken: 1 alone, less beside others.");
        _recordsRead = meter.CreateCounter<long>("fastconsumer.records.read", "{record}", "Records received.");
        _recordsForeign = meter.CreateCounter<long>(
            "fastconsumer.records.foreign",
            "{record}",
            "User records of aggregates that belong to another shard by their hash key and were left out (ForeignRecords).");
        _bytesRead = meter.CreateCounter<long>("fastconsumer.bytes.read", "By", "Data and partition keys received.");
        _bytesShare = meter.CreateGauge<double>(
            "fastconsumer.bytes.share", "1", "The shard's part of what its worker read within the last minute.");
        _recordsDone = meter.CreateCounter<long>(
            "fastconsumer.records.done", "{record}", "Records that are done: their handlers have returned, or they were left out.");
        _failures = meter.CreateCounter<long>("fastconsumer.handler.failures", "{failure}", "Exceptions that left handlers.");
        _skipped = meter.CreateCounter<long>(
            "fastconsumer.records.skipped", "{record}", "Records left out by [OnError(..., ErrorAction.Skip)].");
        _deadLettered = meter.CreateCounter<long>(
            "fastconsumer.records.dead_lettered", "{record}", "Records left out after their dead letters were written.");
        _filtered = meter.CreateCounter<long>(
            "fastconsumer.records.filtered", "{record}", "Records for which a [Filter] method was false.");
        _checkpoints = meter.CreateCounter<long>("fastconsumer.checkpoints", "{checkpoint}", "Checkpoints that became durable.");
        _leases = meter.CreateUpDownCounter<long>("fastconsumer.leases", "{lease}", "Leases held.");
        _millisBehindLatest = meter.CreateGauge<long>("fastconsumer.millis_behind_latest", "ms",
            "KCL's MillisBehindLatest of the last answer, and the time since.");
    }

    /// <summary>The same instruments for one worker, which hears of what their listeners throw.</summary>
    public ConsumerMetrics For(CallbackGuard guard)
    {
        var own = (ConsumerMetrics)MemberwiseClone();
        own._guard = guard;
        return own;
    }

    public void Read(in ShardTags shard, int records, long bytes, long? millisBehindLatest)
    {
        Add(_reads, 1, shard);
        Add(_recordsRead, records, shard);
        Add(_bytesRead, bytes, shard);
        if (millisBehindLatest is long behind)
        {
            BehindLatest(shard, behind);
        }
    }

    public void BehindLatest(in ShardTags shard, long milliseconds) =>
        Guarded(_millisBehindLatest, milliseconds, shard, static (gauge, value, tags) => gauge.Record(value, tags));

    public void SecondRead(in ShardTags shard, int calls, long bytes)
    {
        Guarded(_callsPerSecond, calls, shard, static (histogram, value, tags) => histogram.Record(value, tags));
        Guarded(_bytesPerSecond, bytes, shard, static (histogram, value, tags) => histogram.Record(value, tags));
    }

    public void ReadShare(in ShardTags shard, double share) => Record(_readShare, share, shard);

    public void BytesShare(in ShardTags shard, double share) => Record(_bytesShare, share, shard);

    public void LeftOut(in ShardTags shard, int records) => Add(_recordsForeign, records, shard);

    public void ReadThrottled(in ShardTags shard) => Add(_throttledReads, 1, shard);

    public void Done(in ShardTags shard, long records) => Add(_recordsDone, records, shard);

    public void Failed(in ShardTags shard) => Add(_failures, 1, shard);

    public void Skipped(in ShardTags shard) => Add(_skipped, 1, shard);

    public void DeadLettered(in ShardTags shard) => Add(_deadLettered, 1, shard);

    public void Filtered(in ShardTags shard, long records)
    {
        if (records > 0)
        {
            Add(_filtered, records, shard);
        }
    }

    public void Checkpointed(in ShardTags shard) => Add(_checkpoints, 1, shard);

    public void LeaseTaken(in ShardTags shard) => Leases(1, shard);

    public void LeaseGone(in ShardTags shard) => Leases(-1, shard);

    private void Leases(long change, in ShardTags shard) => Guarded(_leases, change, shard, static (counter, value, tags) =>
        counter.Add(value, tags));

    private void Add(Counter<long> counter, long value, in ShardTags shard) =>
        Guarded(counter, value, shard, static (counter, value, tags) => counter.Add(value, tags));

    private void Record(Gauge<double> gauge, double value, in ShardTags shard) =>
        Guarded(gauge, value, shard, static (gauge, value, tags) => gauge.Record(value, tags));

    private void Guarded<TInstrument, TValue>(TInstrument instrument, TValue value, in ShardTags shard,
        Action<TInstrument, TValue, TagList> record)
        where TInstrument : Instrument
    {
        if (!instrument.Enabled)
        {
            return;
        }

        CallbackGuard.Call call = _guard.Enter(CallbackGuard.MeterListener);
        try
        {
            record(instrument, value, shard.ToTagList());
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

/// <summary>What each figure is told apart by.</summary>
internal readonly record struct ShardTags(string Application, string Stream, string Shard)
{
    public TagList ToTagList() => new()
    {
        { "fastconsumer.application", Application },
        { "aws.kinesis.stream_name", Stream },
        { "aws.kinesis.shard_id", Shard },
    };
}
