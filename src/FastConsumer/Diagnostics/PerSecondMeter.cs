namespace FastConsumer.Diagnostics;

/// <summary>
/// What was read of a shard within each second: a minute's average hides the seconds that are throttled. A second is measured when the
/// first call after it is answered; seconds without any are not. The reader adds to it; others look at the last minute.
/// </summary>
internal sealed class PerSecondMeter(TimeProvider time, ShardTelemetry shard)
{
    private const int Minute = 60;

    private readonly Lock _lock = new();
    private readonly long[] _bytesOf = new long[Minute];
    private readonly bool[] _refusedIn = new bool[Minute];
    private readonly long _origin = time.GetTimestamp();
    private long _second;
    private int _calls;
    private long _bytes;

    /// <summary>An answer came.</summary>
    public void Add(long bytes)
    {
        if (shard.IsOff)
        {
            return;
        }

        lock (_lock)
        {
            Move();
            _calls++;
            _bytes += bytes;
            _bytesOf[_second % Minute] += bytes;
        }
    }

    /// <summary>A call was refused for throughput.</summary>
    public void Refused()
    {
        lock (_lock)
        {
            Move();
            _refusedIn[_second % Minute] = true;
        }
    }

    /// <summary>The last minute: all bytes, the seconds in which at least so many came, and those in which a call was refused.</summary>
    /// <param name="full">The bytes of a full second.</param>
    public (long Bytes, int FullSeconds, int RefusedSeconds) LastMinute(long full)
    {
        lock (_lock)
        {
            Move();
            return (_bytesOf.Sum(), _bytesOf.Count(bytes => bytes >= full), _refusedIn.Count(static refused => refused));
        }
    }

    /// <summary>Under the lock: goes on to the present second.</summary>
    private void Move()
    {
        long second = (long)time.GetElapsedTime(_origin).TotalSeconds;
        if (second == _second)
        {
            return;
        }

        if (_calls > 0)
        {
            shard.SecondRead(_calls, _bytes);
        }

        for (long passed = Math.Max(_second + 1, second - Minute + 1); passed <= second; passed++)
        {
            _bytesOf[passed % Minute] = 0;
            _refusedIn[passed % Minute] = false;
        }

        _second = second;
        _calls = 0;
        _bytes = 0;
    }
}
