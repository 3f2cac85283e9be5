using FastConsumer.Leases;

namespace FastConsumer.Testing.Leases;

/// <summary>One table: rows of attributes by key, each operation atomic.</summary>
internal sealed class InMemoryLeaseTable
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Lease> _rows = new(StringComparer.Ordinal);

    /// <summary>All leases, readable or not, in the order of their keys.</summary>
    public IReadOnlyList<Lease> List()
    {
        lock (_lock)
        {
            return [.. _rows.Values.Where(IsLease)];
        }
    }

    /// <summary>The row, if it is a lease.</summary>
    public Lease? Get(string leaseKey)
    {
        lock (_lock)
        {
            return _rows.TryGetValue(leaseKey, out Lease? row) && IsLease(row) ? row : null;
        }
    }

    /// <summary>Puts a row in place without any condition.</summary>
    public void Put(string leaseKey, IReadOnlyDictionary<string, Lease.Value> attributes)
    {
        lock (_lock)
        {
            _rows[leaseKey] = Row(leaseKey, attributes);
        }
    }

    public LeaseWrite.Result Create(Lease lease)
    {
        lock (_lock)
        {
            Lease row = Row(lease.LeaseKey, lease.ToAttributes());
            return _rows.TryAdd(lease.LeaseKey, row)
                ? new LeaseWrite.Result(LeaseWrite.Outcome.Written, row)
                : new LeaseWrite.Result(LeaseWrite.Outcome.Refused, _rows[lease.LeaseKey]);
        }
    }

    public LeaseWrite.Result Write(LeaseWrite write)
    {
        lock (_lock)
        {
            if (!_rows.TryGetValue(write.LeaseKey, out Lease? row) || !write.IsAllowedOn(row.Attributes))
            {
                return new LeaseWrite.Result(LeaseWrite.Outcome.Refused, row);
            }

            Lease written = write.ApplyTo(row);
            _rows[write.LeaseKey] = written;
            return new LeaseWrite.Result(LeaseWrite.Outcome.Written, written);
        }
    }

    public LeaseWrite.Result Delete(Lease observed)
    {
        lock (_lock)
        {
            if (!_rows.TryGetValue(observed.LeaseKey, out Lease? row)
                || row.LeaseCounter != observed.LeaseCounter
                || row.LeaseOwner != observed.LeaseOwner
                || row.CheckpointOwner != observed.CheckpointOwner)
            {
                return new LeaseWrite.Result(LeaseWrite.Outcome.Refused, row);
            }

            _rows.Remove(observed.LeaseKey);
            return new LeaseWrite.Result(LeaseWrite.Outcome.Written);
        }
    }

    private static bool IsLease(Lease row) => Lease.IsLease(row.LeaseKey, row.Attributes);

    /// <summary>A row of its own, as a table holds it.</summary>
    private static Lease Row(string leaseKey, IReadOnlyDictionary<string, Lease.Value> attributes) =>
        Lease.Read(leaseKey, new Dictionary<string, Lease.Value>(attributes, StringComparer.Ordinal) { [Lease.Names.LeaseKey] = leaseKey });
}
