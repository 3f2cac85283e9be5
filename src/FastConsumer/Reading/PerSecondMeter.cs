using FastConsumer.Diagnostics;

namespace FastConsumer.Reading;

/// <summary>
/// What was read within each second: a minute's average hides the seconds that are throttled. A second is reported when
/// the first call after it is answered; seconds without any are not.
/// </summary>
internal sealed class PerSecondMeter(TimeProvider time, ShardTelemetry shard)
{
    private readonly long _origin = time.GetTimestamp();
    private long _second;
    private int _calls;
    private long _bytes;

    public void Add(long bytes)
    {
        long second = (long)time.GetElapsedTime(_origin).TotalSeconds;
        if (second != _second)
        {
            if (_calls > 0)
            {
                shard.SecondRead(_calls, _bytes);
            }

            _second = second;
            _calls = 0;
            _bytes = 0;
        }

        _calls++;
        _bytes += bytes;
    }
}
