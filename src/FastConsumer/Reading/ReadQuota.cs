using FastConsumer.Diagnostics;

namespace FastConsumer.Reading;

/// <summary>
/// Paces the calls on one shard within the service's limits: 5 calls and 2 MiB a second, shared by all polling consumers
/// of the shard, and 5 s of silence after an answer of 10 MiB. It spends ahead of time rather than being refused: each
/// answer is asked for in a size that fits the pace, and its bytes are waited out before the next call.
/// </summary>
/// <remarks>
/// Nobody documents how the service counts its seconds; <see cref="ReadRateLimiter"/> keeps this reader within the limits
/// whichever way it does, and <see cref="FairShare"/> finds the part that others leave. Used by one reader at a time.
/// </remarks>
internal sealed class ReadQuota
{
    /// <summary>GetRecords calls a second and shard (Kinesis limits).</summary>
    internal const int CallsPerSecond = 5;

    /// <summary>2 MiB a second and shard (Kinesis limits).</summary>
    internal const long BytesPerSecond = 2 * 1024 * 1024;

    /// <summary>
    /// What is taken of the quota: the rest is for clocks and timers. With others a little more, so that what a collision has piled up is
    /// paid off.
    /// </summary>
    private const double UsableAlone = 0.99;
    private const double UsableShared = 0.98;

    /// <summary>
    /// The time between two calls that read all they may. A hair above half a second: two calls then lie within a second,
    /// never three, and bring just less than its 2 MiB, so the shard stays open for a neighbour that polls.
    /// </summary>
    private const double FullInterval = 0.505;

    /// <summary>With two others or more the calls are to be few: each a hair above a second, and all together below 5 a second.</summary>
    private const double CrowdedInterval = 1.02;
    private const double CrowdedCalls = 4.4;
    private const double CrowdedShare = 0.49;

    private const double ProbeInterval = 0.25;
    private const double ShortestInterval = 0.204;

    /// <summary>How unevenly calls come, as a part of the time between them: see <see cref="FairShare"/>.</summary>
    private const double UnevennessAlone = 0.8;
    private const double UnevennessShared = 0.04;

    /// <summary>
    /// At fixed times of the clock whoever takes the whole quota leaves a call's place open for a moment, and who was refused
    /// more than once comes just then: a newcomer may otherwise never get in between two huge records. Where two clocks differ
    /// by more than the moment, it must find one by chance.
    /// </summary>
    private const double DoorEvery = 30;
    private const double DoorOpen = 0.2;

    /// <summary>A second, and the differences between two ways to the service.</summary>
    private const double AlternateInterval = 1.006;

    /// <summary>A call that came late may be made up for by so much.</summary>
    private const double Credit = 0.3;

    /// <summary>The first answer tells how large records are; until then it may be a large one by accident.</summary>
    private const int FirstLimit = 4;
    private const int LimitGrowth = 32;

    /// <summary>
    /// An answer that ends for its bytes was a full one, even where a huge record did not fit and it is not quite 10 MiB.
    /// </summary>
    private const long FullAnswerBytes = 4 * 1024 * 1024;
    private const double FullAnswerPause = 5.05;

    private const double FirstBackoff = 1;
    private const double LongestBackoff = 2.4;
    private const double BackoffGrowth = 1.5;

    /// <summary>Five applications that poll this slowly stay below 5 calls a second.</summary>
    private const double CrowdedIdleInterval = 1.2;
    private const double IdleGrowth = 1.5;
    private const double IdleRecovery = 0.004;
    private const double IdleUnevenness = 0.1;

    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly int _mostRecords;
    private readonly double _idleInterval;
    private readonly FairShare _share;
    private readonly ReadRateLimiter _own = new(CallsPerSecond, BytesPerSecond);
    private readonly long _origin;
    private double _due;
    private double _unevenness;
    private double _silentUntil;
    private double _alternatesFrom;
    private double _started;
    private double _spacing = FullInterval;
    private double _backoff = FirstBackoff;
    private double _idle;
    private double _recordBytes;
    private int _limit;
    private bool _isLagging = true;
    private bool _hasIdled;
    private bool _wasRefused;

    /// <param name="time">The clock.</param>
    /// <param name="random">Keeps applications out of step.</param>
    /// <param name="mostRecords">The most records of an answer.</param>
    /// <param name="idleInterval">The time between two calls when nothing is left to read.</param>
    public ReadQuota(TimeProvider time, Random random, int mostRecords, TimeSpan idleInterval)
    {
        _time = time;
        _random = random;
        _mostRecords = mostRecords;
        _idleInterval = _idle = idleInterval.TotalSeconds;
        _share = new FairShare(random);
        _origin = time.GetTimestamp();
    }

    /// <summary>The part of the shard's quota that is taken, at most 1.</summary>
    public double Share => _share.Value;

    /// <summary>The time until the next call is due.</summary>
    public TimeSpan UntilNext
    {
        get
        {
            double now = Now;
            double next = Math.Max(Math.Max(_due + _unevenness, _alternatesFrom), Math.Max(_silentUntil, _own.Opens(now)));
            if (_isLagging && _share.IsWhole && _recordBytes > 0)
            {
                next += UntilDoorCloses(next - now);
            }

            return next > now ? TimeSpan.FromSeconds(next - now) : TimeSpan.Zero;
        }
    }

    private double Now => _time.GetElapsedTime(_origin).TotalSeconds;

    private double UntilDoor => DoorEvery - (_time.GetUtcNow().TimeOfDay.TotalSeconds % DoorEvery);

    private double Rate => BytesPerSecond * (_share.IsWhole ? UsableAlone : UsableShared * _share.Value);

    private double Interval => _share switch
    {
        { IsProbing: true, HasShortCalls: true } => ProbeInterval,
        { Value: < CrowdedShare } => Math.Max(CrowdedInterval, 1 / (CrowdedCalls * _share.Value)),
        _ => FullInterval,
    };

    /// <summary>True where the last answer was so large that the service asks for five seconds of silence.</summary>
    public bool IsSilent => _silentUntil > 0;

    /// <summary>What the wait for the next call is for.</summary>
    public ShardState WaitsFor => _wasRefused ? ShardState.Refused : _isLagging ? ShardState.Quota : ShardState.Idle;

    /// <summary>A call starts now.</summary>
    /// <returns>The most records to ask for, so that the answer's bytes fit the pace.</returns>
    public int Start()
    {
        _started = Now;
        long bound = _limit == 0 ? FirstLimit : Math.Min(_mostRecords, (long)_limit * LimitGrowth);
        double records = bound;
        if (_recordBytes > 0)
        {
            // where few records fit, rounding down would take more calls than there may be
            double fewest = Math.Ceiling(Rate * ShortestInterval / _share.Value / _recordBytes);
            records = Math.Max(fewest, Math.Floor(Rate * Interval / _recordBytes));
        }

        _limit = (int)Math.Min(_mostRecords, Math.Clamp(records, 1, bound));
        return _limit;
    }

    /// <summary>An answer came.</summary>
    /// <param name="records">How many records it holds.</param>
    /// <param name="bytes">Their data and partition keys.</param>
    /// <param name="millisBehindLatest">What the service says.</param>
    public void Succeeded(int records, long bytes, long? millisBehindLatest)
    {
        double now = Now;
        _wasRefused = false;
        _own.Add(now, bytes);
        _backoff = FirstBackoff;
        if (records > 0)
        {
            double average = (double)bytes / records;
            _recordBytes = _recordBytes == 0 ? average : (_recordBytes + average) / 2;
        }

        _isLagging = millisBehindLatest > 0 || records >= _limit;
        _silentUntil = bytes >= FullAnswerBytes && records < _limit && _isLagging ? now + FullAnswerPause : 0;
        double paid = bytes / Rate;
        if (_isLagging)
        {
            _spacing = Math.Max(paid, ShortestInterval / _share.Value);
            _due = Math.Max(_due, _started - Credit) + _spacing;
            _share.Granted(now, _spacing, isCoarse: 2 * _recordBytes >= UsableShared * BytesPerSecond);
            // an answer that is all of a part's second: a second one within the same second would take another's place
            _alternatesFrom = _share.IsProbing || _share.IsWhole || paid < 1 ? 0 : now + AlternateInterval;
            _unevenness =
                (_random.NextDouble() - 0.5) * _spacing * (_share.IsProbing || _share.IsWhole ? UnevennessAlone : UnevennessShared);
        }
        else
        {
            // the first wait keeps shards that started together out of step from then on
            double unevenness = _hasIdled ? IdleUnevenness : 1;
            _hasIdled = true;
            double idle = _idle * (1 + ((_random.NextDouble() - 0.5) * unevenness));
            _idle = Math.Max(_idleInterval, _idle - (_idleInterval * IdleRecovery));
            _due = _started + Math.Max(paid, idle);
            _alternatesFrom = 0;
            _unevenness = 0;
        }
    }

    // Of a call that is due in some seconds: a place that opens shortly before the door is kept for it too.
    private double UntilDoorCloses(double due)
    {
        double kept = Math.Min(_spacing, FullInterval);
        double since = (kept - DoorOpen + DoorEvery - UntilDoor + due) % DoorEvery;
        return Math.Max(0, kept - since);
    }

    /// <summary>The call was refused for throughput: the next one is due in a second or more.</summary>
    public TimeSpan Throttled()
    {
        double now = Now;
        _wasRefused = true;
        double wait = _backoff * (1 + (_random.NextDouble() / 4));
        double door = UntilDoor + (DoorOpen * (0.25 + (_random.NextDouble() / 4)));
        bool isShutOut = _isLagging && _backoff > FirstBackoff;
        if (isShutOut && door >= FirstBackoff && door < wait + FirstBackoff)
        {
            wait = door;
        }

        _backoff = Math.Min(LongestBackoff, _backoff * BackoffGrowth);
        if (_isLagging)
        {
            _share.Refused(now, _spacing);
        }
        else
        {
            _idle = Math.Max(_idle, Math.Min(CrowdedIdleInterval, _idle * IdleGrowth));
        }

        _due = now + wait;
        _unevenness = 0;
        return TimeSpan.FromSeconds(wait);
    }
}
