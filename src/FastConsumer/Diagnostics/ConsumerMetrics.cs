using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;

namespace FastConsumer.Diagnostics;

/// <summary>A worker as metrics see it.</summary>
internal interface IObservedWorker
{
    /// <summary>Whether its figures name shards.</summary>
    bool NamesShards { get; }

    /// <summary>How it stands now. Never waits and throws nothing.</summary>
    WorkerSnapshot Observe();
}

/// <summary>
/// The meter <c>FastConsumer</c>. Counts are added per page and per checkpoint, never per record. What stands for now (a lag, a share, the
/// leases) is observed: it is told while a worker has the shard, and no longer, so that nobody goes on exporting the last lag of a shard
/// that another worker reads.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The meter belongs to the factory, which disposes it.")]
internal sealed class ConsumerMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "FastConsumer";

    private readonly ConcurrentDictionary<IObservedWorker, byte> _workers = new();
    private readonly ConcurrentDictionary<Findings, byte> _findings = new();
    private readonly Meter _meter;

    public ConsumerMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(new MeterOptions(MeterName) { Version = Tracing.Version });
        Reads = Counter<long>(InstrumentCatalog.Reads);
        ReadsThrottled = Counter<long>(InstrumentCatalog.ReadsThrottled);
        ReadsEmpty = Counter<long>(InstrumentCatalog.ReadsEmpty);
        ReadDuration = Histogram<double>(InstrumentCatalog.ReadDuration);
        SecondBytes = Histogram<long>(InstrumentCatalog.SecondBytes);
        SecondCalls = Histogram<int>(InstrumentCatalog.SecondCalls);
        IteratorsExpired = Counter<long>(InstrumentCatalog.IteratorsExpired);
        RecordsRead = Counter<long>(InstrumentCatalog.RecordsRead);
        RecordsForeign = Counter<long>(InstrumentCatalog.RecordsForeign);
        BytesRead = Counter<long>(InstrumentCatalog.BytesRead);
        RecordsDone = Counter<long>(InstrumentCatalog.RecordsDone);
        RecordsSkipped = Counter<long>(InstrumentCatalog.RecordsSkipped);
        RecordsDeadLettered = Counter<long>(InstrumentCatalog.RecordsDeadLettered);
        RecordsFiltered = Counter<long>(InstrumentCatalog.RecordsFiltered);
        HandlerFailures = Counter<long>(InstrumentCatalog.HandlerFailures);
        HandlerRecordDuration = Histogram<double>(InstrumentCatalog.HandlerRecordDuration);
        ProcessDuration = Histogram<double>(InstrumentCatalog.ProcessDuration);
        ConsumedMessages = Counter<long>(InstrumentCatalog.ConsumedMessages);
        LeasesTaken = Counter<long>(InstrumentCatalog.LeasesTaken);
        LeasesLost = Counter<long>(InstrumentCatalog.LeasesLost);
        LeasesHandedOver = Counter<long>(InstrumentCatalog.LeasesHandedOver);
        Checkpoints = Counter<long>(InstrumentCatalog.Checkpoints);
        StateDuration = Histogram<double>(InstrumentCatalog.StateDuration);
        StateSize = Histogram<long>(InstrumentCatalog.StateSize);
        StateFailures = Counter<long>(InstrumentCatalog.StateFailures);
        OutputsWritten = Counter<long>(InstrumentCatalog.OutputsWritten);
        OutputsSkipped = Counter<long>(InstrumentCatalog.OutputsSkipped);
        OutputFailures = Counter<long>(InstrumentCatalog.OutputFailures);
        StateSwept = Counter<long>(InstrumentCatalog.StateSwept);
        OperatorActions = Counter<long>(InstrumentCatalog.OperatorActions);
        ObserveShards();
        ObserveWorkers();
    }

    public Counter<long> Reads { get; }

    public Counter<long> ReadsThrottled { get; }

    public Counter<long> ReadsEmpty { get; }

    public Histogram<double> ReadDuration { get; }

    public Histogram<long> SecondBytes { get; }

    public Histogram<int> SecondCalls { get; }

    public Counter<long> IteratorsExpired { get; }

    public Counter<long> RecordsRead { get; }

    public Counter<long> RecordsForeign { get; }

    public Counter<long> BytesRead { get; }

    public Counter<long> RecordsDone { get; }

    public Counter<long> RecordsSkipped { get; }

    public Counter<long> RecordsDeadLettered { get; }

    public Counter<long> RecordsFiltered { get; }

    public Counter<long> HandlerFailures { get; }

    public Histogram<double> HandlerRecordDuration { get; }

    public Histogram<double> ProcessDuration { get; }

    public Counter<long> ConsumedMessages { get; }

    public Counter<long> LeasesTaken { get; }

    public Counter<long> LeasesLost { get; }

    public Counter<long> LeasesHandedOver { get; }

    public Counter<long> Checkpoints { get; }

    public Histogram<double> StateDuration { get; }

    public Histogram<long> StateSize { get; }

    public Counter<long> StateFailures { get; }

    public Counter<long> OutputsWritten { get; }

    public Counter<long> OutputsSkipped { get; }

    public Counter<long> OutputFailures { get; }

    public Counter<long> StateSwept { get; }

    public Counter<long> OperatorActions { get; }

    /// <summary>The worker is observed from now on, until it is removed.</summary>
    public void Add(IObservedWorker worker) => _workers[worker] = 0;

    /// <summary>A consumer's findings are told from now on, until they are removed.</summary>
    public void Add(Findings findings) => _findings[findings] = 0;

    /// <summary>The consumer has ended.</summary>
    public void Remove(Findings findings) => _findings.TryRemove(findings, out _);

    /// <summary>The worker has ended: its figures end with it.</summary>
    public void Remove(IObservedWorker worker) => _workers.TryRemove(worker, out _);

    private void ObserveShards()
    {
        Gauge(InstrumentCatalog.MillisBehindLatest, static shard => shard.BehindLatest?.TotalMilliseconds);
        Gauge(InstrumentCatalog.Lag, static shard => shard.Lag?.TotalSeconds);
        Gauge(InstrumentCatalog.ReadsShare, static shard => shard.ReadShare);
        Gauge(InstrumentCatalog.BytesShare, static shard => shard.BytesShare);
        Gauge(InstrumentCatalog.CheckpointAge, static shard => shard.CheckpointAge.TotalSeconds);
        InstrumentInfo leases = InstrumentCatalog.Leases;
        _meter.CreateObservableUpDownCounter(
            leases.Name,
            () => OfShards(static _ => 1, static ones => ones.Sum(), static value => (long)value),
            leases.Unit,
            leases.Description);
    }

    private void ObserveWorkers()
    {
        Gauge(InstrumentCatalog.LagMax, static worker => worker.Shards.Max(static shard => shard.Lag)?.TotalSeconds);
        Gauge(InstrumentCatalog.LossIn, static worker => worker.LossIn?.TotalSeconds);
        Gauge(InstrumentCatalog.Retention, static worker => worker.Retention?.TotalSeconds);
        Gauge(InstrumentCatalog.LeaseRenewalAgeMax, static worker => worker.LongestSinceRenewal.TotalSeconds);
        InstrumentInfo unread = InstrumentCatalog.ShardsUnread;
        _meter.CreateObservableGauge(
            unread.Name, () => OfWorkers<long>(static worker => worker.UnreadShards), unread.Unit, unread.Description);
        UpDown(InstrumentCatalog.RecordsInFlight, static worker => worker.Shards.Sum(static shard => (long)shard.RecordsInFlight));
        UpDown(InstrumentCatalog.LanesBusy, static worker => worker.Shards.Sum(static shard => (long)shard.LanesBusy));
        UpDown(InstrumentCatalog.BufferUsed, static worker => worker.BufferUsed);
        UpDown(InstrumentCatalog.BufferLimit, static worker => worker.BufferLimit);
        Sum(InstrumentCatalog.TableRequests, static worker => worker.LeaseTable?.Requests);
        Sum(InstrumentCatalog.TableWriteUnits, static worker => worker.LeaseTable?.WriteUnits);
        Sum(InstrumentCatalog.TableReadUnits, static worker => worker.LeaseTable?.ReadUnits);
        Sum(InstrumentCatalog.TableThrottled, static worker => worker.LeaseTable?.Throttled);
        InstrumentInfo times = InstrumentCatalog.ShardTime;
        _meter.CreateObservableCounter(times.Name, ShardTimes, times.Unit, times.Description);
        InstrumentInfo raised = InstrumentCatalog.FindingsRaised;
        _meter.CreateObservableGauge(raised.Name, FindingsRaised, raised.Unit, raised.Description);
    }

    private void Gauge(InstrumentInfo info, Func<ShardSnapshot, double?> read) => _meter.CreateObservableGauge(
        info.Name, () => OfShards(read, static values => values.Max(), static value => value), info.Unit, info.Description);

    private void Gauge(InstrumentInfo info, Func<WorkerSnapshot, double?> read) =>
        _meter.CreateObservableGauge(info.Name, () => OfWorkers(read), info.Unit, info.Description);

    private void UpDown(InstrumentInfo info, Func<WorkerSnapshot, long?> read) =>
        _meter.CreateObservableUpDownCounter(info.Name, () => OfWorkers(read), info.Unit, info.Description);

    private void Sum(InstrumentInfo info, Func<WorkerSnapshot, double?> read) =>
        _meter.CreateObservableCounter(info.Name, () => OfWorkers(read), info.Unit, info.Description);

    private Counter<T> Counter<T>(InstrumentInfo info)
        where T : struct => _meter.CreateCounter<T>(info.Name, info.Unit, info.Description);

    private Histogram<T> Histogram<T>(InstrumentInfo info)
        where T : struct => _meter.CreateHistogram(
            info.Name,
            info.Unit,
            info.Description,
            tags: null,
            info.Boundaries is { } ends
                ? new InstrumentAdvice<T>
                {
                    HistogramBucketBoundaries = [.. ends.Select(static end => (T)Convert.ChangeType(end, typeof(T)))],
                }
                : null);

    private List<Measurement<T>> OfShards<T>(
        Func<ShardSnapshot, double?> read, Func<IEnumerable<double>, double> sum, Func<double, T> convert)
        where T : struct
    {
        List<Measurement<T>> values = [];
        foreach (IObservedWorker worker in _workers.Keys)
        {
            WorkerSnapshot snapshot = worker.Observe();
            if (worker.NamesShards)
            {
                foreach (ShardSnapshot shard in snapshot.Shards)
                {
                    if (read(shard) is { } value)
                    {
                        values.Add(new Measurement<T>(
                            convert(value),
                            [.. Tags(snapshot), new KeyValuePair<string, object?>(ShardTelemetry.ShardTag, shard.ShardId)]));
                    }
                }
            }
            else
            {
                double[] all = [.. snapshot.Shards.Select(read).OfType<double>()];
                if (all.Length > 0)
                {
                    values.Add(new Measurement<T>(convert(sum(all)), Tags(snapshot)));
                }
            }
        }

        return values;
    }

    private List<Measurement<T>> OfWorkers<T>(Func<WorkerSnapshot, T?> read)
        where T : struct
    {
        List<Measurement<T>> values = [];
        foreach (IObservedWorker worker in _workers.Keys)
        {
            WorkerSnapshot snapshot = worker.Observe();
            if (read(snapshot) is { } value)
            {
                values.Add(new Measurement<T>(value, Tags(snapshot)));
            }
        }

        return values;
    }

    private List<Measurement<double>> ShardTimes()
    {
        List<Measurement<double>> values = [];
        foreach (IObservedWorker worker in _workers.Keys)
        {
            WorkerSnapshot snapshot = worker.Observe();
            foreach ((ShardState state, double seconds) in snapshot.TimeByState)
            {
                values.Add(new Measurement<double>(
                    seconds, [.. Tags(snapshot), new KeyValuePair<string, object?>("state", NameOf(state))]));
            }
        }

        return values;
    }

    private List<Measurement<long>> FindingsRaised()
    {
        List<Measurement<long>> values = [];
        foreach (IGrouping<(string Id, FindingSeverity Severity, string Application, string Stream), Finding> some in _findings.Keys
            .SelectMany(static findings => findings.Current)
            .GroupBy(static finding => (finding.Id, finding.Severity, Part(finding.Scope, 0), Part(finding.Scope, 1))))
        {
            values.Add(new Measurement<long>(
                some.Count(),
                [
                    new KeyValuePair<string, object?>(ShardTelemetry.ApplicationTag, some.Key.Application),
                    new KeyValuePair<string, object?>(ShardTelemetry.StreamTag, some.Key.Stream),
                    new KeyValuePair<string, object?>("fastconsumer.finding.id", some.Key.Id),
                    new KeyValuePair<string, object?>("fastconsumer.finding.severity", NameOf(some.Key.Severity)),
                ]));
        }

        return values;

        // a scope is application, stream, and shard or processor; what concerns the whole consumer has no stream
        static string Part(string scope, int index) => scope.Split('/') is { Length: > 1 } parts ? parts[index] : "";
    }

    private static KeyValuePair<string, object?>[] Tags(WorkerSnapshot worker) =>
        [new(ShardTelemetry.ApplicationTag, worker.ApplicationName), new(ShardTelemetry.StreamTag, worker.StreamName)];

    private static string NameOf<T>(T value)
        where T : struct, Enum => Enum.GetName(value)!.ToLowerInvariant();
}
