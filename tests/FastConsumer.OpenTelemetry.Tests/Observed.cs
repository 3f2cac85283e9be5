using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using FastConsumer.Diagnostics;

namespace FastConsumer.OpenTelemetry.Tests;

/// <summary>
/// What the instruments of one application were measured with, seen without OpenTelemetry: which instruments have a value, and with which
/// tags.
/// </summary>
internal sealed class Observed : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<(string Instrument, string Tags), byte> _points = new();
    private readonly string _application;

    public Observed(string application)
    {
        _application = application;
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

    /// <summary>Each instrument with each set of its tags, as <see cref="Text"/> has them.</summary>
    public IReadOnlyCollection<(string Instrument, string Tags)> Points => [.. _points.Keys];

    public static string Text(IEnumerable<KeyValuePair<string, string>> tags) =>
        string.Join(' ', tags.OrderBy(static tag => tag.Key, StringComparer.Ordinal).Select(static tag => $"{tag.Key}={tag.Value}"));

    public bool Has(string instrument) => _points.Keys.Any(point => point.Instrument == instrument);

    /// <summary>Asks the observable instruments.</summary>
    public void Observe() => _listener.RecordObservableInstruments();

    public void Dispose() => _listener.Dispose();

    private void Add<T>(Instrument instrument, T value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        KeyValuePair<string, string>[] all =
            [.. tags.ToArray().Select(static tag => KeyValuePair.Create(tag.Key, Assert.IsType<string>(tag.Value)))];
        if (all.Contains(KeyValuePair.Create(ShardTelemetry.ApplicationTag, _application)))
        {
            _points[(instrument.Name, Text(all))] = 0;
        }
    }
}
