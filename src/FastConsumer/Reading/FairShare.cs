namespace FastConsumer.Reading;

/// <summary>
/// Which part of a shard's read quota this reader takes, while nobody says who else reads the shard. The only signs are
/// calls that are granted and calls that are refused.
/// </summary>
/// <remarks>
/// <para>
/// The part is one of a whole shard's, a half, a third and so on: what each of so many applications may have. Two of them
/// that hold a half each then fit without any refusal, which parts that grow and shrink freely never do (a refusal costs
/// a second, so even a few are dear). A refusal at the whole part, or some within a short time at a smaller one, mean one
/// application more, and so the next smaller part.
/// </para>
/// <para>
/// What has become free is found by probes: for some seconds the next larger part is tried, with uneven calls. One that
/// calls evenly at the very pace of the quota would always come when the quota has just opened, and leave all refusals to
/// its neighbours; one that calls unevenly meets them itself. A probe that is refused ends at once, and the next one
/// comes later and, where whole steps fail, is half as large.
/// </para>
/// <para>
/// Where two records fill a second, two readers that take one a second each never meet, whatever the times of their calls;
/// but one that takes two leaves no byte to the other for as long as it goes on. A probe must not go that far while the other
/// may be there: it tries half of the step first, which leaves a place half of the time and is refused itself.
/// </para>
/// </remarks>
internal sealed class FairShare
{
    private const double Rounding = 0.0005;

    /// <summary>
    /// Between the parts of one application and of two there is room for neighbours that take less: how finely it is searched.
    /// </summary>
    private const double FinestStep = 0.05;

    /// <summary>A refusal that is this old counts for 1/e.</summary>
    private const double Memory = 20;

    /// <summary>This many refusals of late are more than a neighbour's probe causes.</summary>
    private const double Crowded = 3.5;

    /// <summary>The time to the first probe, which doubles by half each time that one fails.</summary>
    private const double FirstProbe = 35;
    private const double LongestProbeWait = 60;
    private const double ProbeWaitGrowth = 1.5;

    /// <summary>
    /// Where two records fill a second, a probe is half a step: see above. So it costs little, but there are two on the way to the whole.
    /// </summary>
    private const double CoarseProbeWait = 1.5;

    /// <summary>
    /// A part that was held for this long was right: when it is lost, a probe soon after tells whether it was a mere collision.
    /// </summary>
    private const double Proven = 15;
    private const double SecondOpinion = 5;

    /// <summary>
    /// A probe draws so many seconds of the shard's quota beyond the proven part: more than the second that a service may have saved up.
    /// </summary>
    private const double ProbeDepth = 2.5;
    private const double LongestProbe = 8;
    private const double FirstProbeEnd = 6;
    private const int LeastProbeCalls = 4;

    private readonly Random _random;
    private double _proven = 0.5;
    private double _provenSince;
    private double _ceiling = 1;
    private double _probeWait = FirstProbe;
    private double _probeEnd = FirstProbeEnd;
    private int _probeCalls;
    private int _failedProbes;
    private bool _isCoarse;
    private double _holdUntil;
    private double _pressure;
    private double _lastRefusal;
    private bool _grantedSinceRefusal = true;

    /// <summary>Starts with the whole, on probation.</summary>
    public FairShare(Random random) => _random = random;

    /// <summary>The part, more than 0 and at most 1.</summary>
    public double Value { get; private set; } = 1;

    /// <summary>True while the part is larger than what has proved to be there.</summary>
    public bool IsProbing => Value > _proven + Rounding;

    /// <summary>
    /// True where a probe is made of short calls, which find others fast; every other one is not, since where others merely poll, short
    /// calls meet the limit of calls.
    /// </summary>
    public bool HasShortCalls { get; private set; } = true;

    /// <summary>True for the whole shard, proven or not.</summary>
    public bool IsWhole => Value > 1 - Rounding;

    /// <summary>A call was granted while there was more to read.</summary>
    /// <param name="now">Seconds.</param>
    /// <param name="spacing">The time between two calls, in seconds.</param>
    /// <param name="isCoarse">True where two records fill a second of the shard's quota.</param>
    public void Granted(double now, double spacing, bool isCoarse)
    {
        _grantedSinceRefusal = true;
        _isCoarse = isCoarse;
        if (IsProbing)
        {
            _probeCalls++;
            if (now >= _probeEnd && _probeCalls >= LeastProbeCalls)
            {
                Prove(Value, now);
                _probeWait = FirstProbe;
                _holdUntil = now + 1;
            }
        }
        else if (now >= _holdUntil && !IsWhole)
        {
            Probe(now, spacing);
        }
    }

    /// <summary>A call was refused while there was more to read.</summary>
    /// <param name="now">Seconds.</param>
    /// <param name="spacing">The time between two calls, in seconds.</param>
    public void Refused(double now, double spacing)
    {
        if (!_grantedSinceRefusal)
        {
            // nothing was taken in between, so this says nothing of the part
            return;
        }

        _grantedSinceRefusal = false;
        _pressure = (_pressure * Math.Exp((_lastRefusal - now) / Memory)) + 1;
        _lastRefusal = now;
        if (IsProbing)
        {
            _ceiling = Value;
            Value = _proven;
            HasShortCalls = ++_failedProbes % 2 == 0;
            _probeWait = Math.Min(LongestProbeWait, _probeWait * ProbeWaitGrowth);
            _holdUntil = now + ProbeWait(spacing);
        }
        else if (IsWhole || _pressure > Crowded || !IsWholeFraction(Value))
        {
            bool wasProven = now - _provenSince > Proven;
            Value = FractionBelow(Value);
            Prove(Value, now);
            _pressure = 0;
            _probeWait = FirstProbe;
            _holdUntil = now + ProbeWait(spacing);
            if (wasProven)
            {
                _holdUntil = now + Jitter(SecondOpinion);
                HasShortCalls = false;
            }
        }
    }

    private void Probe(double now, double spacing)
    {
        double next = FractionAbove(_proven);
        if (_ceiling < 1 && _ceiling < next + Rounding)
        {
            next = (_proven + _ceiling) / 2;
        }
        else if (_isCoarse && IsWholeFraction(_proven))
        {
            next = (_proven + next) / 2;
        }

        if (next - _proven < FinestStep)
        {
            // the search has ended here: next time it starts anew
            _ceiling = 1;
            _holdUntil = now + ProbeWait(spacing);
            return;
        }

        Value = next;
        _probeCalls = 0;
        _probeEnd = now + Math.Min(LongestProbe, ProbeDepth / (Value - _proven));
    }

    private void Prove(double value, double now)
    {
        _proven = value;
        _provenSince = now;
    }

    // Where records are so large that calls are far apart, a probe's refusals are a larger part of all calls: they come less
    // often, at a call each second a fourth as often as at two.
    private double ProbeWait(double spacing) => Jitter(_probeWait * (_isCoarse ? CoarseProbeWait : Math.Max(1, (spacing * 6) - 2)));

    private double Jitter(double wait) => wait * (0.75 + (_random.NextDouble() / 2));

    private static bool IsWholeFraction(double share) => Math.Abs((1 / share) - Math.Round(1 / share)) < Rounding;

    private static double FractionBelow(double share) => 1 / (Math.Floor((1 / share) + Rounding) + 1);

    private static double FractionAbove(double share) => 1 / Math.Max(1, Math.Ceiling((1 / share) - Rounding) - 1);
}
