namespace FastConsumer.Reading;

/// <summary>What a shard yields, for whoever compares shards. The shard's reader adds to it; one other caller measures.</summary>
internal sealed class ThroughputMeter(TimeProvider time)
{
    private readonly Lock _lock = new();
    private long _bytes;
    private long _firstArrival = long.MaxValue;
    private long _lastArrival = long.MinValue;
    private long _since = time.GetTimestamp();
    private long _behind = -1;
    private long _behindSaidAt;

    /// <summary>An answer came.</summary>
    /// <param name="bytes">Its data and partition keys.</param>
    /// <param name="firstArrival">When its first record came to the service, in epoch milliseconds.</param>
    /// <param name="lastArrival">The same of its last.</param>
    public void Add(long bytes, long firstArrival, long lastArrival)
    {
        lock (_lock)
        {
            _bytes += bytes;
            _firstArrival = Math.Min(_firstArrival, firstArrival);
            _lastArrival = Math.Max(_lastArrival, lastArrival);
        }
    }

    /// <summary>An answer said how far behind the shard's tip it was.</summary>
    public void Behind(long? milliseconds)
    {
        if (milliseconds is { } behind)
        {
            lock (_lock)
            {
                _behind = behind;
                _behindSaidAt = time.GetTimestamp();
            }
        }
    }

    /// <summary>How far the last answer was behind the shard's tip, and how long ago that was; null where none has said so.</summary>
    public (TimeSpan Behind, TimeSpan Ago)? Tip
    {
        get
        {
            lock (_lock)
            {
                return _behind < 0 ? null : (TimeSpan.FromMilliseconds(_behind), time.GetElapsedTime(_behindSaidAt));
            }
        }
    }

    /// <summary>
    /// Bytes a second since the last call; null, and nothing is forgotten, where that was less than <paramref name="least"/> ago. A reader
    /// that catches up reads in this time what came in a longer one: what counts is the longer.
    /// </summary>
    public double? Measure(TimeSpan least)
    {
        lock (_lock)
        {
            TimeSpan elapsed = time.GetElapsedTime(_since);
            if (elapsed < least)
            {
                return null;
            }

            double seconds = Math.Max(elapsed.TotalSeconds, _bytes == 0 ? 0 : (_lastArrival - _firstArrival) / 1000.0);
            double rate = _bytes / seconds;
            _bytes = 0;
            _firstArrival = long.MaxValue;
            _lastArrival = long.MinValue;
            _since = time.GetTimestamp();
            return rate;
        }
    }
}
