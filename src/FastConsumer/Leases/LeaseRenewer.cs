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
        try
        {
            while (true)
            {
                await Task.Delay(_leaseDuration / 6, _time, cancellationToken).ConfigureAwait(false);
                await RenewOnceAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // the end
        }
    }

    /// <summary>Renews what was not written for a third of its duration; gives up what was not for all of it.</summary>
    internal async Task RenewOnceAsync(CancellationToken cancellationToken)
    {
        List<HeldLease> due = [];
        foreach (HeldLease lease in _held.Values)
        {
            if (lease.SinceRenewal >= _leaseDuration)
            {
                lease.MarkLost($"it could not be renewed for {_leaseDuration}.");
            }
            else if (lease.SinceRenewal >= _leaseDuration / 3 && lease.TryBeginWrite())
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
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            ConsumerLog.RenewalFailed(_log, e);
        }
        finally
        {
            for (int i = 0; i < due.Count; i++)
            {
                due[i].EndWrite(results?[i], started);
            }
        }
    }
}
