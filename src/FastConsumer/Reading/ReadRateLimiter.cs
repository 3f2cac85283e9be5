namespace FastConsumer.Reading;

/// <summary>
/// What a reader itself took from its shard, counted in the strictest way a service could: any second holds one second's
/// calls and bytes, and what an answer brought beyond that is booked to the times at which room for it comes. Who keeps
/// within this keeps within fixed seconds and within a token bucket of one second too.
/// </summary>
/// <remarks>
/// A call is booked when its answer is complete, and so never before the service has counted it: what lies between
/// (the way there, the answer's transfer) cannot make it look older than it is.
/// </remarks>
internal sealed class ReadRateLimiter(int callsPerSecond, long bytesPerSecond)
{
    // timers and clocks have a grain
    private const double Second = 1.002;

    private readonly Queue<double> _calls = new(callsPerSecond);
    private readonly Queue<(double Time, long Bytes)> _booked = new();
    private long _sum;
    private double _lastBooked = double.NegativeInfinity;

    /// <summary>Books an answer.</summary>
    public void Add(double now, long bytes)
    {
        if (_calls.Count == callsPerSecond)
        {
            _calls.Dequeue();
        }

        _calls.Enqueue(now);
        double time = Math.Max(now, _lastBooked);
        while (bytes > 0)
        {
            Forget(time);
            long free = Math.Min(bytes, bytesPerSecond - _sum);
            if (free > 0)
            {
                _booked.Enqueue((time, free));
                _sum += free;
                bytes -= free;
                _lastBooked = time;
            }

            if (bytes > 0)
            {
                time = _booked.Peek().Time + Second;
            }
        }
    }

    /// <summary>The first time, not before <paramref name="now"/>, at which a call finds room.</summary>
    public double Opens(double now)
    {
        double opens = Math.Max(now, _lastBooked);
        if (_calls.Count == callsPerSecond)
        {
            opens = Math.Max(opens, _calls.Peek() + Second);
        }

        Forget(opens);
        return _sum < bytesPerSecond ? opens : Math.Max(opens, _booked.Peek().Time + Second);
    }

    private void Forget(double now)
    {
        while (_booked.TryPeek(out (double Time, long Bytes) oldest) && oldest.Time + Second <= now)
        {
            _sum -= oldest.Bytes;
            _booked.Dequeue();
        }
    }
}
