using FastConsumer.Diagnostics;
using FastConsumer.Leases;
using FastConsumer.Timing;

namespace FastConsumer.Hosting;

/// <summary>
/// To whom a worker that stops passes its leases: to the live FastConsumer workers, each to the one that has fewest. It rings each of
/// them after its first lease and at the end. No release waits for a ring, nor longer than a second for the list of who is there.
/// </summary>
internal sealed class Succession(WorkerParts parts, ILeaseStore store, LeaseObserver observer, Doorbell bell, Namesakes namesakes, CancellationToken end)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    // who waits for it may go on within its completion: nothing is held there, and so all of it stays on the worker's scheduler
    private readonly TaskCompletionSource _known = new();
    private readonly Dictionary<string, int> _heirs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Lease> _given = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (Task Ringing, bool Again)> _rings = new(StringComparer.Ordinal);
    private IReadOnlyList<Lease> _leases = [];

    private string Me => parts.Settings.WorkerId;

    /// <summary>Finds out who is there. Called when nobody else uses the observer any more.</summary>
    public async Task BeginAsync()
    {
        try
        {
            long begun = parts.Time.GetTimestamp();
            IReadOnlyList<Lease> leases = await store.ListAsync(ReadConsistency.Eventual, end);
            observer.Observe(leases, begun);
            lock (_lock)
            {
                _leases = leases;
                foreach (IGrouping<string, Lease> owned in leases.Where(lease => lease.IsHeldByFastConsumer && !lease.IsFinished && lease.LeaseOwner != Me).GroupBy(static lease => lease.LeaseOwner!, StringComparer.Ordinal))
                {
                    if (owned.Any(observer.IsLive))
                    {
                        _heirs[owned.Key] = owned.Count();
                    }
                }
            }
        }
        catch (Exception e)
        {
            // released to nobody, then: whoever comes first takes them
            ConsumerLog.SuccessorsUnknown(parts.Log, Me, e);
        }
        finally
        {
            _known.TrySetResult();
        }
    }

    /// <summary>Who is to own the next lease; null for whoever takes it first.</summary>
    public async Task<string?> NextAsync()
    {
        if (!_known.Task.IsCompleted)
        {
            await Task.WhenAny(_known.Task, ApartTask.DelayAsync(s_patience, parts.Time, end));
        }

        lock (_lock)
        {
            if (_heirs.Count == 0)
            {
                return null;
            }

            string next = _heirs.OrderBy(static pair => pair.Value).ThenBy(static pair => pair.Key, StringComparer.Ordinal).First().Key;
            _heirs[next]++;
            return next;
        }
    }

    /// <summary>A lease was released to its successor: tells it, now or at the end.</summary>
    public void Released(Lease released)
    {
        string heir = released.LeaseOwner!;
        lock (_lock)
        {
            _given[released.LeaseKey] = released;
            _rings[heir] = _rings.TryGetValue(heir, out (Task Ringing, bool Again) ring)
                ? ring with { Again = true }
                : (ApartTask.Start(() => RingAsync(heir)), false);
        }
    }

    /// <summary>When everything is released: rings once more, and takes back what nobody will take.</summary>
    /// <param name="hasReached">Whether leases may be on their way to this worker, or its own without its knowledge.</param>
    public async Task EndAsync(bool hasReached)
    {
        (string Heir, Task Ringing, bool Again)[] rings;
        lock (_lock)
        {
            rings = [.. _rings.Select(static pair => (pair.Key, pair.Value.Ringing, pair.Value.Again))];
        }

        await Task.WhenAll(rings.Select(async ring =>
        {
            await ring.Ringing;
            if (ring.Again)
            {
                await RingAsync(ring.Heir);
            }
        }));
        if ((_known.Task.IsCompleted || hasReached) && !end.IsCancellationRequested)
        {
            await TakeBackAsync();
        }
    }

    private async Task RingAsync(string heir)
    {
        try
        {
            await bell.RingAsync(heir, _leases, end);
        }
        catch (Exception e)
        {
            // it lists the table before long anyway
            ConsumerLog.RingFailed(parts.Log, Me, heir, e);
        }
    }

    /// <summary>
    /// Others may stop at the same moment, also where this worker knows of none. What was given to one that holds nothing any more, or to this
    /// worker by one of them, is released to nobody, so that it need not expire; and so is what this worker had taken when the stop cut the
    /// answer off. Each lists after its own last release, so of two that stop one sees what the other left. What this worker has asked for it
    /// needs no more.
    /// </summary>
    private async Task TakeBackAsync()
    {
        try
        {
            IReadOnlyList<Lease> leases = [.. (await store.ListAsync(ReadConsistency.Strong, end)).Where(static row => row.Problem is null)];
            HashSet<string?> holders = [.. leases.Where(static lease => lease.IsHeldByFastConsumer && !lease.IsFinished).Select(static lease => lease.LeaseOwner)];
            foreach (Lease lease in leases)
            {
                // the answer to a request that cannot be taken back any more stands in the row
                Lease? left = lease.RequestedBy == Me && lease.IsHeldByFastConsumer
                    ? (await store.RequestAsync(lease, requester: null, end)).Lease
                    : lease;
                if (left is not null && IsOrphan(left))
                {
                    await store.ReleaseAsync(left, successor: null, end);
                }
            }

            bool IsOrphan(Lease lease) =>
                (lease.LeaseOwner == Me && (lease.IsPassedOn || namesakes.IsOwn(lease)))
                || (_given.TryGetValue(lease.LeaseKey, out Lease? given) && given.LeaseOwner == lease.LeaseOwner && given.LeaseCounter == lease.LeaseCounter && !holders.Contains(lease.LeaseOwner));
        }
        catch (Exception e)
        {
            ConsumerLog.SuccessorsUnknown(parts.Log, Me, e);
        }
    }
}
