using FastConsumer.Diagnostics;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Kinesis;

/// <summary>
/// The service's time as this client knows it. For signatures it is the machine's own, until one is refused for it; how far the machine's
/// clock is off is learnt from answers.
/// </summary>
internal sealed class ServiceClock(TimeProvider timeProvider, ILogger? logger)
{
    // A service takes signatures that are up to five minutes old; below this a wrong signature has another cause.
    private static readonly TimeSpan s_leastSkew = TimeSpan.FromMinutes(1);

    /// <summary>The header has whole seconds, and an answer may have been under way for long: the median of some is the time.</summary>
    private const int Answers = 9;
    private static readonly TimeSpan s_betweenAnswers = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Queue<TimeSpan> _heard = new(Answers);
    private long _offsetTicks;
    private long _heardAt;
    private long _medianTicks;

    public DateTimeOffset Now => timeProvider.GetUtcNow() + new TimeSpan(Volatile.Read(ref _offsetTicks));

    /// <summary>How far the service's clock is ahead of this machine's: the median of some answers of the last minutes.</summary>
    public TimeSpan Offset => new(Volatile.Read(ref _medianTicks));

    /// <summary>True where it is time to look at the Date header of another answer.</summary>
    public bool IsCurious
    {
        get
        {
            long heardAt = Volatile.Read(ref _heardAt);
            return heardAt == 0 || timeProvider.GetElapsedTime(heardAt) >= s_betweenAnswers;
        }
    }

    /// <summary>An answer has come, and says when it was sent.</summary>
    public void Hear(DateTimeOffset? date)
    {
        if (date is not { } sent)
        {
            return;
        }

        lock (_lock)
        {
            Volatile.Write(ref _heardAt, timeProvider.GetTimestamp());
            if (_heard.Count == Answers)
            {
                _heard.Dequeue();
            }

            // the second is cut off: on average it was half over
            _heard.Enqueue(sent + TimeSpan.FromSeconds(0.5) - timeProvider.GetUtcNow());
            Volatile.Write(ref _medianTicks, _heard.Order().ElementAt(_heard.Count / 2).Ticks);
        }
    }

    /// <summary>Takes the service's time over where <paramref name="failure"/> may be the clock's fault; true where it did.</summary>
    /// <param name="endpoint">Whose clock it is.</param>
    /// <param name="failure">How the service refused.</param>
    /// <param name="serverTime">The time of its answer; null where it said none.</param>
    public bool TryCorrect(ServiceEndpoint endpoint, KinesisException failure, DateTimeOffset? serverTime)
    {
        if (serverTime is not { } there || !ErrorCatalog.IsClock(failure.ErrorCode))
        {
            return false;
        }

        TimeSpan offset = there - timeProvider.GetUtcNow();
        var former = new TimeSpan(Volatile.Read(ref _offsetTicks));
        if (!ErrorCatalog.NamesClock(failure.ErrorCode) && (offset - former).Duration() < s_leastSkew)
        {
            return false;
        }

        Volatile.Write(ref _offsetTicks, offset.Ticks);
        if (logger is not null)
        {
            KinesisLog.ClockCorrected(logger, offset, endpoint.ToString());
        }

        return true;
    }
}
