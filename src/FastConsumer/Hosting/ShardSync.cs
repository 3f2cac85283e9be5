using System.Collections.Concurrent;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Reading;

namespace FastConsumer.Hosting;

/// <summary>Makes the lease table follow the stream's shards: creates the leases they ask for. Used by one caller at a time, but for <see cref="Request"/>.</summary>
internal sealed class ShardSync(WorkerParts parts, ILeaseStore store)
{
    private readonly ConcurrentDictionary<string, HashKeyRange> _hashKeyRanges = new(StringComparer.Ordinal);
    private readonly HashSet<string> _createdHere = new(StringComparer.Ordinal);
    private volatile bool _requested = true;
    private long _syncedAt;

    private WorkerSettings Settings => parts.Settings;

    /// <summary>When the stream was created.</summary>
    public DateTimeOffset StreamCreatedAt { get; set; }

    /// <summary>Asks for a sync with the next list: a shard has ended. Thread-safe.</summary>
    public void Request() => _requested = true;

    /// <summary>The shard's hash keys as listed. Thread-safe.</summary>
    public HashKeyRange? HashKeyRangeOf(string shardId) => _hashKeyRanges.GetValueOrDefault(shardId);

    /// <summary>True once where this worker created the lease just now, so that LATEST is now.</summary>
    public bool TakeFirstStart(string leaseKey) => _createdHere.Remove(leaseKey);

    /// <summary>Taken later, or by another worker in between, LATEST is no longer now.</summary>
    public void ForgetFirstStarts() => _createdHere.Clear();

    /// <summary>Creates what is missing where it is time to; the leases after that.</summary>
    public async Task<IReadOnlyList<Lease>> SyncAsync(IReadOnlyList<Lease> leases, CancellationToken cancellationToken)
    {
        if (!_requested && leases.Count > 0 && parts.Time.GetElapsedTime(_syncedAt) < Settings.ShardSyncInterval)
        {
            return leases;
        }

        _requested = false;
        try
        {
            DateTimeOffset startedAt = Settings.StartPosition == StartPosition.AtTimestamp ? Settings.StartTimestamp!.Value : parts.Time.GetUtcNow();
            List<Shard> shards = await ShardListing.ListAllAsync(parts.Client, Settings.Stream, cancellationToken);
            List<ShardNode> nodes = [.. shards.Select(static shard => new ShardNode(shard.ShardId, shard.ParentIds(), shard.EndingSequenceNumber is not null, shard.HashKeyRange))];
            shards.ForEach(shard => _hashKeyRanges[shard.ShardId] = shard.HashKeyRange);
            if (LeasePlan.Missing(nodes, leases, Settings.Start, startedAt).Count > 0)
            {
                // created is only what is missing beyond doubt
                leases = await store.ListAsync(ReadConsistency.Strong, cancellationToken);
                IReadOnlyList<Lease> missing = LeasePlan.Missing(nodes, leases, Settings.Start, startedAt);
                foreach (Lease lease in missing)
                {
                    await CreateAsync(lease, startedAt, cancellationToken);
                }

                leases = missing.Count > 0 ? await store.ListAsync(ReadConsistency.Strong, cancellationToken) : leases;
            }

            _syncedAt = parts.Time.GetTimestamp();
            return leases;
        }
        catch
        {
            _requested = true;
            throw;
        }
    }

    private async Task CreateAsync(Lease lease, DateTimeOffset startedAt, CancellationToken cancellationToken)
    {
        if (!await store.CreateAsync(lease with { StreamCreatedAt = StreamCreatedAt }, cancellationToken))
        {
            return;
        }

        if (lease.StartedAt == startedAt)
        {
            _createdHere.Add(lease.LeaseKey);
        }

        ConsumerLog.LeaseCreated(parts.Log, lease.LeaseKey, lease.Checkpoint);
    }
}
