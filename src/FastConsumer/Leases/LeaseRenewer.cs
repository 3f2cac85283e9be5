using System.Collections.Concurrent;
using FastConsumer.Diagnostics;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Leases;

/// <summary>
/// Renews what this worker holds, apart from the delivery of records: neither a full buffer nor a slow handler costs a lease.
/// A lease that could not be renewed for its whole duration counts as lost before others can have taken it.
/// </summary>
internal sealed class LeaseRenewer
{
    /// <summary>A line for each write that a table throttles would be many, at the worst time.</summary>
    private static readonly TimeSpan s_tellInterval = TimeSpan.FromSeconds(30);

    /// <summary>Some throttles are how the pace is found: what they put off for so long is worth a line.</summary>
    private static readonly TimeSpan s_longWait = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<string, HeldLease> _held;
    private readonly TimeSpan _leaseDuration;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private long? _toldAt;

    public LeaseRenewer(ConcurrentDictionary<string, HeldLease> held, TimeSpan leaseDuration, TimeProvider time, ILogger log)
    {
        _held = held;
        _leaseDuration = leaseDuration;
        _time = time;
        _log = log;
    }

    /// <summary>How long after its last write a lease counts as this worker's own: a little less than others wait.</summary>
    public static TimeSpan LastsFor(TimeSpan leaseDuration) => 0.9 * leaseDuration;

    /// <summary>Renews until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // apart, so that a store that is slow to answer does not put off the loss
        await Task.WhenAll(
            RepeatAsync(_leaseDuration / 10, RenewOnceAsync, cancellationToken),
            RepeatAsync(_leaseDuration / 20, ExpireOnceAsync, cancellationToken));
    }

    private async Task RepeatAsync(TimeSpan interval, Func<CancellationToken, Task> step, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(interval, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                await step(cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // the end
            }
            catch (Exception e)
            {
                // nothing may end the renewal of the other leases
                ConsumerLog.RenewalFailed(_log, e);
            }
        }
    }

    /// <summary>Gives up what was not renewed for nearly all of its duration: before another worker can take it.</summary>
    internal Task ExpireOnceAsync(CancellationToken cancellationToken)
    {
        foreach (HeldLease lease in _held.Values)
        {
            if (lease.SinceRenewal >= LastsFor(_leaseDuration))
            {
                lease.MarkLost($"it could not be renewed for {_leaseDuration}.");
            }
        }

        TellOfThrottles();
        return Task.CompletedTask;
    }

    /// <summary>
    /// Renews what was not written for half of its duration. A checkpoint renews too, so a shard that is checkpointed more often costs
    /// no renewals of its own.
    /// </summary>
    internal async Task RenewOnceAsync(CancellationToken cancellationToken)
    {
        LeaseWriteResult[] results = await Task.WhenAll(_held.Values
            .Where(lease => lease.SinceRenewal >= _leaseDuration / 2 && !lease.IsWriting && !lease.Lost.IsCancellationRequested)
            .Select(lease => lease.WriteAsync(static () => null, isUrgent: false, cancellationToken)));
        foreach (LeaseWriteResult failed in results.Where(static result => result is { Outcome: LeaseWriteOutcome.Failed, Error: not LeaseStoreException { IsThrottled: true } }).Take(1))
        {
            ConsumerLog.RenewalFailed(_log, failed.Error);
        }
    }

    /// <summary>Says now and then, for all leases together, that writes wait for the table.</summary>
    private void TellOfThrottles()
    {
        List<HeldLease> held = [.. _held.Values.Where(static lease => !lease.Lost.IsCancellationRequested)];
        List<TimeSpan> waits = [.. held.Select(static lease => lease.WaitsFor).Where(static wait => wait >= s_longWait)];
        if (waits.Count > 0 && held.Exists(static lease => lease.IsThrottled) && (_toldAt is not { } toldAt || _time.GetElapsedTime(toldAt) >= s_tellInterval))
        {
            _toldAt = _time.GetTimestamp();
            ConsumerLog.WritesThrottled(_log, held[0].Owner, waits.Count, held.Count, waits.Max());
        }
    }
}
