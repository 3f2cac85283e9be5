using FastConsumer.Diagnostics;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Reading;

/// <summary>
/// The iterators of one shard that have expired. One is a matter of course, say after a long record; several within an hour have a cause, and
/// this says what is known of it. AWS's troubleshooting page for consumers names slow processing, and, where iterators expire before they can be
/// used, a lease table with too little capacity.
/// </summary>
internal sealed class IteratorExpiries
{
    /// <summary>An iterator lasts for five minutes: one that was used much earlier was ended by something else than waiting.</summary>
    private static readonly TimeSpan s_longWait = TimeSpan.FromMinutes(4.5);
    private static readonly TimeSpan s_window = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_recently = TimeSpan.FromMinutes(10);
    private const int Storm = 3;

    private readonly ShardReaderSettings _settings;
    private readonly TimeProvider _time;
    private readonly ConsumerHealth _health;
    private readonly ILogger _log;
    private readonly string _place;
    private readonly Queue<long> _expired = new();
    private long _givenAt;
    private TimeSpan _age;
    private bool _isStorm;

    public IteratorExpiries(ShardReaderSettings settings, TimeProvider time, ConsumerHealth health, ILogger log)
    {
        _settings = settings;
        _time = time;
        _health = health;
        _log = log;
        _place = $"{settings.Shard.Application}/{settings.Shard.Stream}/{settings.Shard.Shard}/iterator";
    }

    /// <summary>There is a new iterator.</summary>
    public void Given() => _givenAt = _time.GetTimestamp();

    /// <summary>It is used now.</summary>
    public void Used() => _age = _time.GetElapsedTime(_givenAt);

    /// <summary>It was refused as expired.</summary>
    public void Expired()
    {
        _expired.Enqueue(_time.GetTimestamp());
        Forget();
        if (_expired.Count < Storm)
        {
            return;
        }

        string storm = Describe();
        _health.Report(_place, ConditionSeverity.Degraded, storm);
        if (!_isStorm)
        {
            _isStorm = true;
            ConsumerLog.IteratorsExpire(_log, storm);
        }
    }

    /// <summary>It was good.</summary>
    public void Succeeded()
    {
        if (_isStorm)
        {
            Forget();
            if (_expired.Count < Storm)
            {
                End();
            }
        }
    }

    /// <summary>Nobody reads any more.</summary>
    public void End()
    {
        _isStorm = false;
        _health.Clear(_place);
    }

    private void Forget()
    {
        while (_expired.TryPeek(out long oldest) && _time.GetElapsedTime(oldest) >= s_window)
        {
            _expired.Dequeue();
        }
    }

    private string Describe()
    {
        bool hasWaited = _age >= s_longWait;
        string cause = hasWaited
            ? $"Before the last one the reader had waited {Text(_age)} for the handler, or for room in FastConsumer:PrefetchBytes, and an iterator lasts five minutes: make the handler faster, or give it more lanes with [Concurrency]."
            : $"The last one was {Text(_age)} old when it was used, and an iterator lasts five minutes: neither handler nor buffer has kept it waiting. AWS names a lease table with too little capacity as the usual cause.";
        string table = _settings.SinceTableThrottle?.Invoke() is { } since && since < s_recently
            ? $" The lease table throttled this worker's writes {Text(since)} ago, {(hasWaited ? "and a handler that awaits a checkpoint waits for it: " : "so ")}give the table more write units, or set CheckpointInterval or LeaseDuration higher."
            : hasWaited ? "" : " It has throttled none of this worker's writes lately.";
        return $"Iterators of shard {_settings.Shard.Shard} expire again and again: {_expired.Count} times within the last hour. Nothing is lost or repeated, new ones go on after the last record. {cause}{table}";
    }

    private static string Text(TimeSpan time) => TimeSpan.FromSeconds(Math.Floor(time.TotalSeconds)).ToString();
}
