using FastConsumer.Diagnostics;

namespace FastConsumer.Monitoring;

/// <summary>One shard's samples: what was counted within the last minutes, and how its lag has gone.</summary>
internal sealed class ShardWatch(ShardTelemetry shard)
{
    private const int Minute = 6;
    private const int TenMinutes = 60;
    private const int Hour = 360;

    // a sample each ten seconds, the newest last
    private readonly List<(ShardCounts Counts, double[] Time)> _samples = new(Hour + 1);

    public ShardTelemetry Shard { get; } = shard;

    public LagHistory Lag { get; } = new();

    /// <summary>How the shard stood at the last sample.</summary>
    public ShardSnapshot? Now { get; private set; }

    /// <summary>True once it was watched for a whole minute.</summary>
    public bool HasMinute => _samples.Count > Minute;

    /// <summary>True once it was watched for an hour, so that its last ten minutes can be compared with its first.</summary>
    public bool HasHour => _samples.Count > Hour;

    /// <summary>What was counted within the last minute.</summary>
    public ShardCounts LastMinute => Since(Minute);

    /// <summary>The time in which that was counted: a minute, and less within the first.</summary>
    public TimeSpan LastMinuteLasts => LagHistory.Interval * Math.Clamp(_samples.Count, 1, Minute);

    /// <summary>What was counted within the last ten minutes.</summary>
    public ShardCounts LastTenMinutes => Since(TenMinutes);

    /// <summary>What was counted within the first ten minutes of the last hour.</summary>
    public ShardCounts AnHourAgo => _samples[^(Hour + 1 - TenMinutes)].Counts - _samples[^(Hour + 1)].Counts;

    public void Sample(ShardSnapshot now)
    {
        Now = now;
        if (now.Lag is { } lag)
        {
            Lag.Add(lag);
        }

        double[] time = new double[ShardTime.States];
        Shard.Time.AddTo(time);
        if (_samples.Count == Hour + 1)
        {
            _samples.RemoveAt(0);
        }

        _samples.Add((Shard.Counts, time));
    }

    /// <summary>The part of the last minute that the shard's reader was in these states.</summary>
    public double PartOfMinute(params ReadOnlySpan<ShardState> states)
    {
        if (!HasMinute)
        {
            return 0;
        }

        double[] before = _samples[^(Minute + 1)].Time;
        double[] now = _samples[^1].Time;
        double all = 0;
        double part = 0;
        for (int state = 0; state < ShardTime.States; state++)
        {
            double seconds = now[state] - before[state];
            all += seconds;
            part += states.Contains((ShardState)state) ? seconds : 0;
        }

        return all > 0 ? part / all : 0;
    }

    // of a run that is younger everything counts, what came before its first sample too
    private ShardCounts Since(int samples) => _samples.Count == 0 ? default
        : _samples.Count <= samples ? _samples[^1].Counts
        : _samples[^1].Counts - _samples[^(samples + 1)].Counts;
}
