using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace FastConsumer.LoadTest.Checkpoints;

/// <summary>What handlers and the workers' own metrics say, shard by shard. All workers of this process share it.</summary>
internal sealed class CheckpointTally(TimeProvider time)
{
    private const string ShardTag = "aws.kinesis.shard_id";
    private readonly ConcurrentDictionary<string, long> _checkpointed = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte> _seen = new(StringComparer.Ordinal);
    private readonly List<double> _ages = [];
    private long _records;
    private long _checkpoints;
    private long _leasesGone;

    public long Records => Interlocked.Read(ref _records);

    public long Checkpoints => Interlocked.Read(ref _checkpoints);

    /// <summary>Leases given up or lost.</summary>
    public long LeasesGone => Interlocked.Read(ref _leasesGone);

    public int ShardsSeen => _seen.Count;

    public void Handled(string shardId)
    {
        Interlocked.Increment(ref _records);
        _seen.TryAdd(shardId, 0);
    }

    public MeterListener Listen()
    {
        var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name is "fastconsumer.checkpoints" or "fastconsumer.leases")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            if (instrument.Name == "fastconsumer.leases")
            {
                Interlocked.Add(ref _leasesGone, value < 0 ? -value : 0);
                return;
            }

            Interlocked.Add(ref _checkpoints, value);
            foreach (KeyValuePair<string, object?> tag in tags)
            {
                if (tag.Key == ShardTag)
                {
                    _checkpointed[(string)tag.Value!] = time.GetTimestamp();
                }
            }
        });
        listener.Start();
        return listener;
    }

    /// <summary>Notes the age of every shard's checkpoint now.</summary>
    public void Sample()
    {
        foreach (long at in _checkpointed.Values)
        {
            _ages.Add(time.GetElapsedTime(at).TotalSeconds);
        }
    }

    /// <summary>The ages noted, in order.</summary>
    public double[] Ages() => [.. _ages.Order()];
}
