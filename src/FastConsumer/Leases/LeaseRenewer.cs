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
    private readonly ILeaseStore _store;
    private readonly ConcurrentDictionary<string, HeldLease> _held;
    private readonly TimeSpan _leaseDuration;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    public LeaseRenewer(ILeaseStore store, ConcurrentDictionary<string, HeldLease> held, TimeSpan leaseDuration, TimeProvider time, ILogger log)
    {
        _store = store;
        _held = held;
        _leaseDuration = leaseDuration;
        _time = time;
        _log = log;
    }

    /// <summary>Renews until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // apart, so that a store that is slow to answer does not put off the loss
        await Task.WhenAll(
            RepeatAsync(_leaseDuration / 6, RenewOnceAsync, cancellationToken),
            RepeatAsync(_leaseDuration / 20, ExpireOnceAsync, cancellationToken)).ConfigureAwait(false);
    }

    private async Task RepeatAsync(TimeSpan interval, Func<CancellationToken, Task> step, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(interval, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                await step(cancellationToken).ConfigureAwait(false);
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
            if (lease.SinceRenewal >= 0.9 * _leaseDuration)
            {
                lease.MarkLost($"it could not be renewed for {_leaseDuration}.");
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>Renews what was not written for a third of its duration.</summary>
    internal async Task RenewOnceAsync(CancellationToken cancellationToken)
    {
        List<HeldLease> due = [];
        foreach (HeldLease lease in _held.Values)
        {
            if (lease.SinceRenewal >= _leaseDuration / 3 && lease.TryBeginWrite())
            {
                due.Add(lease);
            }
        }

        if (due.Count == 0)
        {
            return;
        }

        long started = _time.GetTimestamp();
        IReadOnlyList<LeaseWriteResult>? results = null;
        try
        {
            // an answer that takes longer than this is of no use: the next round asks again
            using var inTime = new CancellationTokenSource(_leaseDuration / 3, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, inTime.Token);
            results = await _store.UpdateAsync([.. due.Select(static lease => new LeaseUpdate(lease.Current))], either.Token).ConfigureAwait(false);
            foreach (LeaseWriteResult failed in results.Where(static result => result.Outcome == LeaseWriteOutcome.Failed).Take(1))
            {
                ConsumerLog.RenewalFailed(_log, failed.Error);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            ConsumerLog.RenewalFailed(_log, e);
        }
        finally
        {
            for (int i = 0; i < due.Count; i++)
            {
                due[i].EndWrite(results?.ElementAtOrDefault(i), started);
            }
        }
    }
}
