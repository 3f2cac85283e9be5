using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;

namespace FastConsumer.CloudWatch;

/// <summary>
/// Listens to the meter <c>FastConsumer</c> of one host, and holds what was measured since the last <see cref="Collect"/>. A measurement
/// of a series that is known allocates nothing. Thread-safe.
/// </summary>
internal sealed class MetricCollector : IDisposable
{
    private const string MeterName = "FastConsumer";
    private const string ApplicationTag = "fastconsumer.application";
    private const string ShardTag = "aws.kinesis.shard.id";
    private const string ErrorTag = "error.type";

    private static readonly Dictionary<string, KclMetric[]> s_byInstrument = KclMetric.All
        .GroupBy(static metric => metric.Instrument)
        .ToDictionary(static group => group.Key, static group => group.ToArray(), StringComparer.Ordinal);

    private static readonly Dictionary<string, int> s_order = KclMetric.All.Select(static metric => metric.Operation).Distinct()
        .Select(static (operation, index) => (operation, index))
        .ToDictionary(static pair => pair.operation, static pair => pair.index, StringComparer.Ordinal);

    private readonly MeterListener _listener = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<(KclMetric Metric, string Namespace, string? ShardId), Sample> _samples = [];

    // what is there now, by the observed instruments: counts of theirs are told even where they are 0
    private readonly HashSet<(string Namespace, string? ShardId)> _present = [];
    private readonly string? _namespace;
    private readonly bool _namesShards;

    /// <param name="meters">The host's meters; those of other hosts of the process are not listened to.</param>
    /// <param name="space">The namespace; null for the application's name.</param>
    /// <param name="namesShards">Whether metrics of shards bear their ids.</param>
    public MetricCollector(IMeterFactory meters, string? space, bool namesShards)
    {
        _namespace = space;
        _namesShards = namesShards;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == MeterName && ReferenceEquals(instrument.Meter.Scope, meters)
                && s_byInstrument.TryGetValue(instrument.Name, out KclMetric[]? metrics))
            {
                listener.EnableMeasurementEvents(instrument, metrics);
            }
        };
        _listener.SetMeasurementEventCallback<int>((_, value, tags, metrics) => Add(value, tags, (KclMetric[])metrics!));
        _listener.SetMeasurementEventCallback<long>((_, value, tags, metrics) => Add(value, tags, (KclMetric[])metrics!));
        _listener.SetMeasurementEventCallback<double>((_, value, tags, metrics) => Add(value, tags, (KclMetric[])metrics!));
        _listener.Start();
    }

    /// <summary>
    /// Asks the observable instruments, and returns what was measured since the last time, in a fixed order. What fails while they are
    /// observed is given to <paramref name="failed"/>; the other instruments are told all the same.
    /// </summary>
    public List<EmfObject> Collect(Action<Exception> failed)
    {
        try
        {
            _listener.RecordObservableInstruments();
        }
        catch (AggregateException e)
        {
            failed(e);
        }

        lock (_lock)
        {
            AddZeros();
            List<EmfObject> lines = [.. _samples
                .Where(static sample => sample.Value.Count > 0 || sample.Value.IsExpected)
                .GroupBy(static sample => (sample.Key.Namespace, sample.Key.Metric.Operation, sample.Key.ShardId))
                .OrderBy(static group => group.Key.Namespace, StringComparer.Ordinal)
                .ThenBy(static group => s_order[group.Key.Operation])
                .ThenBy(static group => group.Key.ShardId, StringComparer.Ordinal)
                .Select(static group => new EmfObject(group.Key.Namespace, group.Key.Operation, group.Key.ShardId, Metrics(group)))];
            Reset();
            return lines;
        }
    }

    public void Dispose() => _listener.Dispose();

    private static List<(KclMetric Metric, double[] Values)> Metrics(
        IEnumerable<KeyValuePair<(KclMetric Metric, string Namespace, string? ShardId), Sample>> samples)
    {
        Dictionary<KclMetric, Sample> byMetric = samples.ToDictionary(
            static sample => sample.Key.Metric, static sample => sample.Value);
        return [.. KclMetric.All.Where(byMetric.ContainsKey).Select(metric => (metric, Values(metric, byMetric[metric])))];
    }

    private static double[] Values(KclMetric metric, Sample sample) => metric.Statistic switch
    {
        KclStatistic.Sum => [sample.Sum],
        KclStatistic.Successes => [sample.Successes],
        KclStatistic.Highest => [sample.Highest],
        _ => sample.Values(),
    };

    private void Add(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, KclMetric[] metrics)
    {
        string? application = null;
        string? shard = null;
        bool isSuccess = true;
        foreach ((string key, object? tag) in tags)
        {
            switch (key)
            {
                case ApplicationTag:
                    application = tag as string;
                    break;
                case ShardTag:
                    shard = _namesShards ? tag as string : null;
                    break;
                case ErrorTag:
                    isSuccess = false;
                    break;
            }
        }

        // JSON has no infinity, and a figure of no application has no namespace
        if ((_namespace ?? application) is not { Length: > 0 } space || !double.IsFinite(value))
        {
            return;
        }

        lock (_lock)
        {
            if (metrics[0].Instrument is KclMetric.Leases or KclMetric.UnreadShards)
            {
                _present.Add((space, shard));
            }

            foreach (KclMetric metric in metrics)
            {
                SampleOf(metric, space, metric.ByShard ? shard : null).Add(value * metric.Scale, isSuccess);
            }
        }
    }

    private Sample SampleOf(KclMetric metric, string space, string? shard) =>
        CollectionsMarshal.GetValueRefOrAddDefault(_samples, (metric, space, shard), out _) ??= new Sample();

    /// <summary>
    /// A count of what is there has a value in each interval: of each shard that is there, or of the application, where no shard has one.
    /// </summary>
    private void AddZeros()
    {
        HashSet<(KclMetric Metric, string Namespace)> counted = [.. _samples.Where(static sample => sample.Value.Count > 0)
            .Select(static sample => (sample.Key.Metric, sample.Key.Namespace))];
        foreach (string space in _present.Select(static present => present.Namespace).Distinct().ToArray())
        {
            string[] shards = [.. _present.Where(present => present.Namespace == space).Select(static present => present.ShardId)
                .OfType<string>()];
            foreach (KclMetric metric in KclMetric.All.Where(static metric => metric.IsCounted))
            {
                if (metric.ByShard && shards.Length > 0)
                {
                    foreach (string shard in shards)
                    {
                        SampleOf(metric, space, shard).IsExpected = true;
                    }
                }
                else if (!counted.Contains((metric, space)))
                {
                    SampleOf(metric, space, null).IsExpected = true;
                }
            }
        }
    }

    private void Reset()
    {
        foreach ((var key, Sample sample) in _samples)
        {
            if (sample.Count == 0 && !sample.IsExpected)
            {
                _samples.Remove(key);
            }
            else
            {
                sample.Clear();
            }
        }

        _present.Clear();
    }
}
