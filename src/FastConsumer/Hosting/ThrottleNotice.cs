using FastConsumer.Diagnostics;
using FastConsumer.Leases;

namespace FastConsumer.Hosting;

/// <summary>Tells of a lease table that throttles. Throttles are many, and all the same: one line now and then says it.</summary>
internal sealed class ThrottleNotice(WorkerParts parts)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(30);

    private long? _toldAt;

    /// <summary>True where the error is a throttle, which is told here; false where the caller is to tell of it.</summary>
    /// <param name="error">What went wrong.</param>
    /// <param name="wait">The time to the next try.</param>
    public bool Tells(Exception error, TimeSpan wait)
    {
        if (error is not LeaseStoreException { IsThrottled: true })
        {
            return false;
        }

        if (_toldAt is not { } toldAt || parts.Time.GetElapsedTime(toldAt) >= s_interval)
        {
            _toldAt = parts.Time.GetTimestamp();
            ConsumerLog.CoordinationThrottled(parts.Log, parts.Settings.WorkerId, wait, error.Message);
        }

        return true;
    }
}
