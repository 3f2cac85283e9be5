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
    private readonly WriteBudget _budget;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly List<Task> _rounds = [];
    private long? _toldAt;

    public LeaseRenewer(ConcurrentDictionary<string, HeldLease> held, TimeSpan leaseDuration, WriteBudget budget, TimeProvider time, ILogger log)
    {
        _held = held;
        _leaseDuration = leaseDuration;
        _budget = budget;
        _time = time;
        _log = log;
    }

    /// <summary>How long after its last write a lease counts as this worker's own: a little less than others wait.</summary>
    public static TimeSpan LastsFor(TimeSpan leaseDuration) => 0.9 * leaseDuration;

    /// <summary>Renews until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(_leaseDuration / 20, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
            if (!cancellationToken.IsCancellationRequested)
            {
                ExpireOnce();
                // not waited for: a store that is slow to answer for some leases puts off neither the renewal of the others nor a loss
                _rounds.RemoveAll(static round => round.IsCompleted);
                _rounds.Add(RenewOnceAsync(cancellationToken));
            }
        }

        await Task.WhenAll(_rounds);
    }

    /// <summary>Gives up what was not renewed for nearly all of its duration: before another worker can take it.</summary>
    internal void ExpireOnce()
    {
        foreach (HeldLease lease in _held.Values)
        {
            if (lease.SinceRenewal >= LastsFor(_leaseDuration))
            {
                lease.MarkLost($"it could not be renewed for {_leaseDuration}.");
            }
        }

        TellOfThrottles();
    }

    /// <summary>
    /// Renews what was not written for <see cref="RenewalAge"/>. A checkpoint renews too, so a shard that is checkpointed more often costs
    /// no renewals of its own. Throws nothing.
    /// </summary>
    internal async Task RenewOnceAsync(CancellationToken cancellationToken)
    {
        try
        {
            TimeSpan age = RenewalAge;
            LeaseWriteResult[] results = await Task.WhenAll(_held.Values
                .Where(lease => lease.SinceRenewal >= age && !lease.IsWriting && !lease.Lost.IsCancellationRequested)
                .Select(lease => lease.WriteAsync(static () => null, isUrgent: false, cancellationToken)));
            foreach (LeaseWriteResult failed in results.Where(static result => result is { Outcome: LeaseWriteOutcome.Failed, Error: not LeaseStoreException { IsThrottled: true } }).Take(1))
            {
                ConsumerLog.RenewalFailed(_log, failed.Error);
            }
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

    /// <summary>
    /// Half of the duration; less where the budget is so small that leases which are all due at once could not all be written in time:
    /// then they go in turn.
    /// </summary>
    private TimeSpan RenewalAge
    {
        get
        {
            TimeSpan half = _leaseDuration / 2;
            if (_budget.Pace is not double pace)
            {
                return half;
            }

            TimeSpan left = LastsFor(_leaseDuration) - (_leaseDuration / 10) - TimeSpan.FromSeconds(_held.Count / pace);
            return left >= half ? half : left <= half / 2 ? half / 2 : left;
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
