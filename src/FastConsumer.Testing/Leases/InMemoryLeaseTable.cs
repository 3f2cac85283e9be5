using System.Diagnostics.CodeAnalysis;
using FastConsumer.Leases;

namespace FastConsumer.Testing.Leases;

/// <summary>One table: rows by key, each operation atomic, on the conditions that <see cref="ILeaseStore"/> states.</summary>
internal sealed class InMemoryLeaseTable
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Lease> _rows = new(StringComparer.Ordinal);

    public IReadOnlyList<Lease> List()
    {
        lock (_lock)
        {
            return [.. _rows.Values];
        }
    }

    public Lease? Get(string leaseKey)
    {
        lock (_lock)
        {
            return _rows.GetValueOrDefault(leaseKey);
        }
    }

    public void Put(Lease lease)
    {
        lock (_lock)
        {
            _rows[lease.LeaseKey] = AsStored(lease);
        }
    }

    public bool Create(Lease lease)
    {
        lock (_lock)
        {
            // only KCL writes checkpointOwner and prepared checkpoints
            return _rows.TryAdd(lease.LeaseKey, AsStored(lease) with { CheckpointOwner = null, HasPendingCheckpoint = false });
        }
    }

    public LeaseWriteResult Take(Lease observed, string owner, string session)
    {
        lock (_lock)
        {
            if (!TryGetAsObserved(observed, out Lease? row))
            {
                return new LeaseWriteResult(LeaseWriteOutcome.Refused, row);
            }

            bool switches = row.LeaseOwner is not null && row.LeaseOwner != owner;
            return Write(row with
            {
                LeaseOwner = owner,
                CheckpointOwner = null,
                TakenBy = owner,
                Session = session,
                RequestedBy = null,
                Notification = null,
                LeaseCounter = row.LeaseCounter + 1,
                OwnerSwitchesSinceCheckpoint = row.OwnerSwitchesSinceCheckpoint + (switches ? 1 : 0),
            });
        }
    }

    public LeaseWriteResult Update(LeaseUpdate update)
    {
        lock (_lock)
        {
            Lease? row = _rows.GetValueOrDefault(update.Held.LeaseKey);
            if (row is null
                || row.LeaseOwner != update.Held.LeaseOwner
                || row.LeaseCounter != update.Held.LeaseCounter
                || row.CheckpointOwner is not null)
            {
                return new LeaseWriteResult(LeaseWriteOutcome.Refused, row);
            }

            Lease renewed = row with { LeaseCounter = row.LeaseCounter + 1 };
            return Write(update.Checkpoint is { } checkpoint
                ? renewed with { Checkpoint = checkpoint, OwnerSwitchesSinceCheckpoint = 0, HasPendingCheckpoint = false, Throughput = update.Throughput ?? row.Throughput }
                : renewed);
        }
    }

    public LeaseWriteResult Release(Lease held, string? successor)
    {
        lock (_lock)
        {
            if (!TryGetAsObserved(held, out Lease? row))
            {
                return new LeaseWriteResult(LeaseWriteOutcome.Refused, row);
            }

            // during a hand-over the next owner stays
            Lease released = row with { LeaseCounter = row.LeaseCounter + 1, RequestedBy = null, Notification = null };
            return Write(row.CheckpointOwner is not null ? released with { CheckpointOwner = null }
                : released with { LeaseOwner = successor, TakenBy = successor is null ? null : row.TakenBy, Session = successor is null ? null : row.Session });
        }
    }

    public LeaseWriteResult Request(Lease observed, string? requester)
    {
        lock (_lock)
        {
            Lease? row = _rows.GetValueOrDefault(observed.LeaseKey);
            return row is not null && row.LeaseOwner == observed.LeaseOwner && row.CheckpointOwner is null && row.RequestedBy == observed.RequestedBy
                ? Write(row with { RequestedBy = requester })
                : new LeaseWriteResult(row is not null && row.LeaseOwner == observed.LeaseOwner && row.CheckpointOwner is null && row.RequestedBy == requester ? LeaseWriteOutcome.Written : LeaseWriteOutcome.Refused, row);
        }
    }

    public bool Ring(string leaseKey, string owner, string ring)
    {
        lock (_lock)
        {
            if (_rows.TryGetValue(leaseKey, out Lease? row) && row.LeaseOwner == owner && row.CheckpointOwner is null)
            {
                _rows[leaseKey] = row with { Notification = ring };
                return true;
            }

            return false;
        }
    }

    public void UpdateChildren(string leaseKey, IReadOnlyList<string> childShardIds)
    {
        lock (_lock)
        {
            if (_rows.TryGetValue(leaseKey, out Lease? row))
            {
                _rows[leaseKey] = row with { ChildShardIds = [.. childShardIds.Distinct(StringComparer.Ordinal)] };
            }
        }
    }

    public bool Delete(Lease observed)
    {
        lock (_lock)
        {
            if (TryGetAsObserved(observed, out Lease? row))
            {
                _rows.Remove(observed.LeaseKey);
                return true;
            }

            return row is null;
        }
    }

    private bool TryGetAsObserved(Lease observed, [NotNullWhen(true)] out Lease? row) =>
        _rows.TryGetValue(observed.LeaseKey, out row)
        && row.LeaseCounter == observed.LeaseCounter
        && row.LeaseOwner == observed.LeaseOwner
        && row.CheckpointOwner == observed.CheckpointOwner;

    private LeaseWriteResult Write(Lease row)
    {
        _rows[row.LeaseKey] = row;
        return new LeaseWriteResult(LeaseWriteOutcome.Written, row);
    }

    /// <summary>The lists copied, and times cut to milliseconds, as a table holds them.</summary>
    private static Lease AsStored(Lease lease) => lease with
    {
        ParentShardIds = [.. lease.ParentShardIds.Distinct(StringComparer.Ordinal)],
        ChildShardIds = [.. lease.ChildShardIds.Distinct(StringComparer.Ordinal)],
        StartedAt = ToMilliseconds(lease.StartedAt),
        StreamCreatedAt = ToMilliseconds(lease.StreamCreatedAt),
    };

    private static DateTimeOffset? ToMilliseconds(DateTimeOffset? time) =>
        time is { } known ? DateTimeOffset.FromUnixTimeMilliseconds(known.ToUnixTimeMilliseconds()) : null;
}
