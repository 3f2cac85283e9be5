using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace FastConsumer.LoadTest.Checkpoints;

/// <summary>What handlers and the workers' own metrics say, shard by shard. All workers of this process share it.</summary>
internal sealed class CheckpointTally(TimeProvider time)
{
    private const string ShardTag = "aws.kinesis.shard.id";
    private readonly ConcurrentDictionary<string, long> _checkpointed = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte> _seen = new(StringComparer.Ordinal);
    private readonly List<double> _ages = [];
    private long _records;
    private long _checkpoints;
    private long _leasesLost;

    public long Records => Interlocked.Read(ref _records);

    public long Checkpoints => Interlocked.Read(ref _checkpoints);

    /// <summary>Leases that others took, or that could not be renewed.</summary>
    public long LeasesLost => Interlocked.Read(ref _leasesLost);

    public int ShardsSeen => _seen.Count;

    public void Lost() => Interlocked.Increment(ref _leasesLost);

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
                if (instrument.Name == "fastconsumer.checkpoints")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
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
