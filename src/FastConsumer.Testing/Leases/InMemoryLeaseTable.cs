using FastConsumer.Leases;

namespace FastConsumer.Testing.Leases;

/// <summary>One table: rows of attributes by key, each operation atomic.</summary>
/// <param name="units">What its writes may cost; null for any.</param>
internal sealed class InMemoryLeaseTable(WriteUnits? units = null)
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

    /// <param name="lease">The row.</param>
    /// <param name="meter">Told what the write costs, as it is of the others here.</param>
    /// <param name="whileThere">Rows that must be there.</param>
    public LeaseWrite.Result Create(Lease lease, LeaseTableMeter? meter = null, IReadOnlyList<string>? whileThere = null)
    {
        lock (_lock)
        {
            Lease row = Row(lease.LeaseKey, lease.ToAttributes());
            return Pay(_rows.GetValueOrDefault(lease.LeaseKey), row, meter) is { } throttled ? throttled
                : whileThere?.All(_rows.ContainsKey) == false
                ? new LeaseWrite.Result(LeaseWrite.Outcome.Refused, _rows.GetValueOrDefault(lease.LeaseKey))
                : _rows.TryAdd(lease.LeaseKey, row)
                ? new LeaseWrite.Result(LeaseWrite.Outcome.Written, row)
                : new LeaseWrite.Result(LeaseWrite.Outcome.Refused, _rows[lease.LeaseKey]);
        }
    }

    public LeaseWrite.Result Write(LeaseWrite write, LeaseTableMeter? meter = null)
    {
        lock (_lock)
        {
            Lease? row = _rows.GetValueOrDefault(write.LeaseKey);
            Lease? written = row is not null && write.IsAllowedOn(row.Attributes) ? write.ApplyTo(row) : null;
            if (Pay(row, written, meter) is { } throttled)
            {
                return throttled;
            }

            if (written is null)
            {
                return new LeaseWrite.Result(LeaseWrite.Outcome.Refused, row);
            }

            _rows[write.LeaseKey] = written;
            return new LeaseWrite.Result(LeaseWrite.Outcome.Written, written);
        }
    }

    public LeaseWrite.Result Delete(Lease observed, LeaseTableMeter? meter = null)
    {
        lock (_lock)
        {
            Lease? row = _rows.GetValueOrDefault(observed.LeaseKey);
            if (Pay(row, null, meter) is { } throttled)
            {
                return throttled;
            }

            if (row is null
                || row.LeaseCounter != observed.LeaseCounter
                || row.LeaseOwner != observed.LeaseOwner
                || row.CheckpointOwner != observed.CheckpointOwner
                || (observed.Lineage is not null && row.Lineage != observed.Lineage))
            {
                return new LeaseWrite.Result(LeaseWrite.Outcome.Refused, row);
            }

            _rows.Remove(observed.LeaseKey);
            return new LeaseWrite.Result(LeaseWrite.Outcome.Written);
        }
    }

    /// <summary>Under the lock: what a write is answered where the table throttles it; null where it may be done.</summary>
    private LeaseWrite.Result? Pay(Lease? before, Lease? after, LeaseTableMeter? meter)
    {
        int cost = WriteUnits.CostOf(before, after);
        if (units?.Take(cost) is { } throttled)
        {
            meter?.Failed(throttled);
            return new LeaseWrite.Result(LeaseWrite.Outcome.NotWritten, Error: throttled);
        }

        meter?.Wrote(cost);
        return null;
    }

    private static bool IsLease(Lease row) => Lease.IsLease(row.LeaseKey, row.Attributes);

    /// <summary>A row of its own, as a table holds it.</summary>
    private static Lease Row(string leaseKey, IReadOnlyDictionary<string, Lease.Value> attributes) =>
        Lease.Read(leaseKey, new Dictionary<string, Lease.Value>(attributes, StringComparer.Ordinal) { [Lease.Names.LeaseKey] = leaseKey });
}
