using System.Diagnostics.Metrics;

namespace FastConsumer.LoadTest.Shards;

/// <summary>What the worker's handlers and its own metrics say.</summary>
internal sealed class TrickleTally
{
    private long _records;
    private long _reads;
    private long _leases;

    public long Records => Volatile.Read(ref _records);

    public long Reads => Volatile.Read(ref _reads);

    public long Leases => Volatile.Read(ref _leases);

    public void Handled() => Interlocked.Increment(ref _records);

    public MeterListener Listen()
    {
        var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == "FastConsumer" && instrument.Name is "fastconsumer.reads" or "fastconsumer.leases.taken")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>(
            (instrument, value, _, _) => Interlocked.Add(ref instrument.Name == "fastconsumer.reads" ? ref _reads : ref _leases, value));
        listener.Start();
        return listener;
    }
}
