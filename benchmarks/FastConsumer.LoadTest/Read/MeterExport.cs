using System.Diagnostics.Metrics;

namespace FastConsumer.LoadTest.Read;

/// <summary>
/// Listens to all instruments of the meter FastConsumer as an exporter does: adds up what is measured, and reads what is observed each
/// second.
/// </summary>
internal sealed class MeterExport : IAsyncDisposable
{
    private const string MeterName = "FastConsumer";

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly MeterListener _listener = new();
    private readonly PeriodicTimer _timer = new(s_interval, TimeProvider.System);
    private readonly Task _reading;
    private long _measurements;
    private long _observed;

    public MeterExport()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == MeterName)
            {
                listener.EnableMeasurementEvents(instrument, new Sum());
            }
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, _, state) => Add(instrument, value, state));
        _listener.SetMeasurementEventCallback<long>((instrument, value, _, state) => Add(instrument, value, state));
        _listener.SetMeasurementEventCallback<double>((instrument, value, _, state) => Add(instrument, value, state));
        _listener.Start();
        _reading = ReadAsync();
    }

    /// <exception cref="InvalidOperationException">Nothing was heard, so the figures of the run say nothing.</exception>
    public void Check()
    {
        if (Interlocked.Read(ref _measurements) == 0 || Interlocked.Read(ref _observed) == 0)
        {
            throw new InvalidOperationException($"The meter listener heard nothing of '{MeterName}'.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _reading;
        _listener.Dispose();
    }

    private void Add(Instrument instrument, double value, object? state)
    {
        Interlocked.Increment(ref instrument.IsObservable ? ref _observed : ref _measurements);
        ((Sum)state!).Add(value);
    }

    private async Task ReadAsync()
    {
        while (await _timer.WaitForNextTickAsync())
        {
            _listener.RecordObservableInstruments();
        }
    }

    private sealed class Sum
    {
        private readonly Lock _lock = new();
        private double _value;

        public void Add(double value)
        {
            lock (_lock)
            {
                _value += value;
            }
        }
    }
}
