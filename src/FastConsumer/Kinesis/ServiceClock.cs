using FastConsumer.Diagnostics;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Kinesis;

/// <summary>The service's time as this client knows it: its own, until a signature is refused for it.</summary>
internal sealed class ServiceClock(TimeProvider timeProvider, ILogger? logger)
{
    // A service takes signatures that are up to five minutes old; below this a wrong signature has another cause.
    private static readonly TimeSpan s_leastSkew = TimeSpan.FromMinutes(1);

    private long _offsetTicks;

    public DateTimeOffset Now => timeProvider.GetUtcNow() + new TimeSpan(Volatile.Read(ref _offsetTicks));

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
