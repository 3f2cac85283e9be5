using FastConsumer.Diagnostics;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Reading;

/// <summary>
/// The iterators of one shard that have expired. One is a matter of course, say after a long record; several within an hour have a cause,
/// and this says what is known of it. AWS's troubleshooting page for consumers names slow processing, and, where iterators expire before
/// they can be used, a lease table with too little capacity.
/// </summary>
internal sealed class IteratorExpiries
{
    /// <summary>An iterator lasts for five minutes: one that was used much earlier was ended by something else than waiting.</summary>
    private static readonly TimeSpan s_longWait = TimeSpan.FromMinutes(4.5);
    private static readonly TimeSpan s_oldAge = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan s_window = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_recently = TimeSpan.FromMinutes(10);
    private const int Storm = 3;

    /// <summary>Where waiting is the cause, the next one would have expired within so many times the last wait.</summary>
    private const int WaitsUntilOver = 3;

    private readonly ShardReaderSettings _settings;
    private readonly TimeProvider _time;
    private readonly Findings _findings;
    private readonly ILogger _log;
    private readonly string _scope;
    private readonly Queue<long> _expired = new();
    private long _givenAt;
    private long _expiredAt;
    private long? _toldAt;
    private TimeSpan _age;
    private TimeSpan _expiredAge;
    private bool _isStorm;
    private bool _wasRefused;

    public IteratorExpiries(ShardReaderSettings settings, TimeProvider time, Findings findings, ILogger log)
    {
        _settings = settings;
        _time = time;
        _findings = findings;
        _log = log;
        _scope = settings.Shard.Scope;
    }

    private bool HasWaited => _expiredAge >= s_longWait;

    /// <summary>True where the iterator has not long to live: who has to wait anyway asks for another after that.</summary>
    public bool IsOld => _time.GetElapsedTime(_givenAt) >= s_oldAge;

    /// <summary>There is a new iterator.</summary>
    public void Given()
    {
        _givenAt = _time.GetTimestamp();
        _wasRefused = false;
    }

    /// <summary>
    /// It was not taken, for another reason than its age: where it expires meanwhile, that reason was the cause, and has been said.
    /// </summary>
    public void Refused() => _wasRefused = true;

    /// <summary>It is used now.</summary>
    public void Used() => _age = _time.GetElapsedTime(_givenAt);

    /// <summary>It was refused as expired.</summary>
    public void Expired()
    {
        if (_wasRefused)
        {
            return;
        }

        _expiredAt = _time.GetTimestamp();
        _expiredAge = _age;
        _expired.Enqueue(_expiredAt);
        while (_time.GetElapsedTime(_expired.Peek()) >= s_window)
        {
            _expired.Dequeue();
        }

        if (_expired.Count < Storm)
        {
            return;
        }

        _isStorm = true;
        string storm = Describe();
        (FindingRule rule, FindingRule other) = HasWaited
            ? (FindingRules.IteratorsExpireOnHandler, FindingRules.IteratorsExpireOnTable)
            : (FindingRules.IteratorsExpireOnTable, FindingRules.IteratorsExpireOnHandler);
        _findings.ClearScope(_scope, other);
        _findings.Raise(rule, _scope, storm, [new FindingFigure("expired within an hour", _expired.Count, "{iterator}")]);
        if (_toldAt is not { } toldAt || _time.GetElapsedTime(toldAt) >= s_window)
        {
            _toldAt = _expiredAt;
            ConsumerLog.IteratorsExpire(_log, storm);
        }
    }

    /// <summary>It was good.</summary>
    public void Succeeded()
    {
        if (_isStorm && (!HasWaited || _time.GetElapsedTime(_expiredAt) >= WaitsUntilOver * _expiredAge))
        {
            End();
        }
    }

    /// <summary>Nobody reads any more.</summary>
    public void End()
    {
        _isStorm = false;
        _findings.ClearScope(_scope, FindingRules.IteratorsExpireOnHandler, FindingRules.IteratorsExpireOnTable);
    }

    private string Describe()
    {
        string cause = HasWaited
            ? $"Before the last one the reader had waited {Text(_expiredAge)} for the handler, or for room in FastConsumer:PrefetchBytes, "
                + "and an iterator lasts five minutes: make the handler faster, or give it more lanes with [Concurrency]."
            : $"The last one was {Text(_expiredAge)} old when it was used, and an iterator lasts five minutes: "
                + "neither handler nor buffer has kept it waiting. AWS names a lease table with too little capacity as the usual cause.";
        string table = _settings.SinceTableThrottle?.Invoke() is { } since && since < s_recently
            ? $" The lease table throttled this worker's writes {Text(since)} ago, "
                + $"{(HasWaited ? "and a handler that awaits a checkpoint waits for it: " : "so ")}give the table more write units, "
                + "or set CheckpointInterval or LeaseDuration higher."
            : HasWaited ? "" : " It has throttled none of this worker's writes lately.";
        return $"Iterators of shard {_settings.Shard.ShardId} expire again and again: {_expired.Count} times within the last hour. "
            + $"Nothing is lost or repeated, new ones go on after the last record. {cause}{table}";
    }

    private static string Text(TimeSpan time) => TimeSpan.FromSeconds(Math.Floor(time.TotalSeconds)).ToString();
}
