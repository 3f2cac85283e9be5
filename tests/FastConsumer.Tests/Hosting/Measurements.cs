using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using FastConsumer.Diagnostics;

namespace FastConsumer.Tests.Hosting;

/// <summary>What was measured of one stream; its name must be the test's own, since all tests of the process measure.</summary>
internal sealed class Measurements : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<(string Name, string Shard, double Value)> _values = new();
    private readonly string _stream;

    public Measurements(string stream)
    {
        _stream = stream;
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == ConsumerMetrics.MeterName)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>(Add);
        _listener.SetMeasurementEventCallback<long>(Add);
        _listener.SetMeasurementEventCallback<double>(Add);
        _listener.Start();
    }

    /// <summary>The values of one instrument, in order.</summary>
    public IReadOnlyList<double> Of(string name, string? shard = null) =>
        [.. _values.Where(value => value.Name == name && (shard is null || value.Shard == shard)).Select(static value => value.Value)];

    /// <summary>What an observable instrument tells now.</summary>
    public IReadOnlyList<double> Now(string name, string? shard = null)
    {
        int before = Of(name, shard).Count;
        _listener.RecordObservableInstruments();
        return [.. Of(name, shard).Skip(before)];
    }

    public void Dispose() => _listener.Dispose();

    private void Add<T>(Instrument instrument, T value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
        where T : IConvertible
    {
        string? stream = null;
        string? shard = null;
        foreach (KeyValuePair<string, object?> tag in tags)
        {
            stream = tag.Key == "aws.kinesis.stream_name" ? (string?)tag.Value : stream;
            shard = tag.Key == ShardTelemetry.ShardTag ? (string?)tag.Value : shard;
        }

        if (stream == _stream)
        {
            _values.Enqueue((instrument.Name, shard ?? "", value.ToDouble(CultureInfo.InvariantCulture)));
        }
    }
}
