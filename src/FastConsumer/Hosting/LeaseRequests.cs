using System.Runtime.ExceptionServices;
using FastConsumer.Diagnostics;
using FastConsumer.Leases;

namespace FastConsumer.Hosting;

/// <summary>What a worker has asked other workers for, and since when.</summary>
internal sealed class LeaseRequests(WorkerParts parts, ILeaseStore store, Doorbell bell)
{
    /// <summary>Requests and takes under way at a time.</summary>
    public const int Parallelism = 16;

    private readonly Dictionary<string, long> _askedAt = new(StringComparer.Ordinal);

    /// <summary>True once there has been one.</summary>
    public bool HasAsked { get; private set; }

    private string Me => parts.Settings.WorkerId;

    /// <summary>An owner drains within the lease duration; a bit later it is stuck.</summary>
    private TimeSpan AnswerTime => 1.25 * parts.Settings.LeaseDuration;

    /// <summary>True where this worker waits for the lease.</summary>
    public bool Awaits(Lease lease) => _askedAt.ContainsKey(lease.LeaseKey);

    /// <summary>True where its owner has had its time to hand it over.</summary>
    public bool IsOverdue(Lease lease) => _askedAt.TryGetValue(lease.LeaseKey, out long asked) && parts.Time.GetElapsedTime(asked) >= AnswerTime;

    /// <summary>It is this worker's now.</summary>
    public void Taken(Lease lease) => _askedAt.Remove(lease.LeaseKey);

    /// <summary>What the table says of requests is what counts: some were answered since, and some may be of this worker's former life.</summary>
    public void Listed(IReadOnlyList<Lease> leases)
    {
        HashSet<string> asked = [.. leases.Where(lease => lease.RequestedBy == Me && lease.IsHeldByFastConsumer && lease.LeaseOwner != Me).Select(static lease => lease.LeaseKey)];
        foreach (string answered in _askedAt.Keys.Where(key => !asked.Contains(key)).ToList())
        {
            _askedAt.Remove(answered);
        }

        foreach (string key in asked)
        {
            _askedAt.TryAdd(key, parts.Time.GetTimestamp());
        }
    }

    /// <summary>Takes requests back for which there is no reason any more.</summary>
    public async Task WithdrawAsync(IReadOnlyList<Lease> unneeded, CancellationToken cancellationToken)
    {
        foreach (Lease[] some in unneeded.Chunk(Parallelism))
        {
            await Task.WhenAll(some.Select(lease => store.RequestAsync(lease, requester: null, cancellationToken)));
        }

        foreach (Lease lease in unneeded)
        {
            _askedAt.Remove(lease.LeaseKey);
        }
    }

    /// <summary>Asks the owners of <paramref name="wanted"/> for them, and rings at each owner.</summary>
    /// <param name="wanted">What is asked for.</param>
    /// <param name="leases">The whole table, in which the owners' bells are.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task AskAsync(IReadOnlyList<Lease> wanted, IReadOnlyList<Lease> leases, CancellationToken cancellationToken)
    {
        HasAsked |= wanted.Count > 0;
        Exception? failure = null;
        foreach (Lease[] some in wanted.Chunk(Parallelism).TakeWhile(_ => failure is null))
        {
            LeaseWriteResult[] results = await Task.WhenAll(some.Select(lease => AskAsync(lease, cancellationToken)));
            foreach ((Lease lease, LeaseWriteResult result) in some.Zip(results))
            {
                if (result.Outcome == LeaseWriteOutcome.Written)
                {
                    _askedAt[lease.LeaseKey] = parts.Time.GetTimestamp();
                }
            }

            failure = Array.Find(results, static result => result.Error is not null).Error;
        }

        foreach (IGrouping<string?, Lease> owned in wanted.Where(Awaits).GroupBy(static lease => lease.LeaseOwner, StringComparer.Ordinal))
        {
            ConsumerLog.LeasesRequested(parts.Log, Me, owned.Count(), owned.Key!);
            try
            {
                await bell.RingAsync(owned.Key!, leases, cancellationToken);
            }
            catch (LeaseStoreException e)
            {
                // it lists the table before long anyway
                ConsumerLog.RingFailed(parts.Log, Me, owned.Key!, e);
            }
        }

        if (failure is not null)
        {
            // the rest can wait: where the table throttles, its units are for the renewals now
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Throws nothing: the owners of those that were asked for beside it are to hear of it.</summary>
    private async Task<LeaseWriteResult> AskAsync(Lease lease, CancellationToken cancellationToken)
    {
        try
        {
            return await store.RequestAsync(lease, Me, cancellationToken);
        }
        catch (Exception e)
        {
            return new LeaseWriteResult(LeaseWriteOutcome.Failed, null, e);
        }
    }
}
