using FastConsumer.Leases;
using FastConsumer.Testing.Leases;

namespace FastConsumer.Testing.Simulation;

/// <summary>A write to the table that took effect.</summary>
/// <param name="Worker">Whose request it was.</param>
/// <param name="Operation">create, take, update, release, request, ring, children or delete.</param>
/// <param name="Before">The row before; null where there was none.</param>
/// <param name="After">The row after; null where it was deleted.</param>
internal readonly record struct TableWrite(string Worker, string Operation, Lease? Before, Lease? After);

/// <summary>
/// The lease table as its service sees it: atomic rows, and so many write units a second. Tells of each write that took effect.
/// </summary>
internal sealed class SimulatedLeaseTable(SimulationLoop loop, Random random)
{
    /// <summary>How long a read that need not be consistent may miss a write.</summary>
    private static readonly TimeSpan s_staleness = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, (Lease? Row, long Until)> _former = new(StringComparer.Ordinal);
    private readonly InMemoryLeaseTable _rows = new();
    private double _units;
    private long _filledAt;

    /// <summary>The write units of a second; null for as many as are asked for.</summary>
    public double? UnitsPerSecond { get; set; }

    /// <summary>Told of each write that took effect, at its time.</summary>
    public Action<TableWrite>? Written { get; set; }

    /// <summary>Names a position of a shard in the trace.</summary>
    public Func<string, CheckpointPosition, string> Name { get; set; } = static (_, position) => position.ToString();

    public IReadOnlyList<Lease> Rows => _rows.List();

    public Lease? Get(string leaseKey) => _rows.Get(leaseKey);

    /// <summary>All rows; where they need not be consistent, some as they were before their last write, if that was not long ago.</summary>
    public IReadOnlyList<Lease> Read(ReadConsistency consistency)
    {
        if (consistency == ReadConsistency.Strong)
        {
            return Rows;
        }

        Dictionary<string, Lease> seen = Rows.ToDictionary(static row => row.LeaseKey, StringComparer.Ordinal);
        foreach ((string leaseKey, (Lease? former, long until)) in _former.Where(pair => pair.Value.Until > loop.Now).OrderBy(static pair => pair.Key, StringComparer.Ordinal))
        {
            if (random.Next(2) == 0)
            {
                continue;
            }

            if (former is null)
            {
                seen.Remove(leaseKey);
            }
            else
            {
                seen[leaseKey] = former;
            }
        }

        return [.. seen.Values.OrderBy(static row => row.LeaseKey, StringComparer.Ordinal)];
    }

    public bool Create(string worker, Lease lease)
    {
        RequireUnit();
        bool isCreated = _rows.Create(lease);
        if (isCreated)
        {
            Tell(worker, "create", null, lease.LeaseKey);
        }

        return isCreated;
    }

    public LeaseWriteResult Take(string worker, Lease observed, string owner) => Write(worker, "take", observed.LeaseKey, () => _rows.Take(observed, owner, worker));

    /// <summary>Each update on its own; one that is throttled fails.</summary>
    public IReadOnlyList<LeaseWriteResult> Update(string worker, IReadOnlyList<LeaseUpdate> updates) => [.. updates.Select(update =>
    {
        try
        {
            return Write(worker, "update", update.Held.LeaseKey, () => _rows.Update(update));
        }
        catch (LeaseStoreException throttled)
        {
            return new LeaseWriteResult(LeaseWriteOutcome.Failed, null, throttled);
        }
    })];

    public LeaseWriteResult Release(string worker, Lease held, string? successor) => Write(worker, "release", held.LeaseKey, () => _rows.Release(held, successor));

    public LeaseWriteResult Request(string worker, Lease observed, string? requester) => Write(worker, "request", observed.LeaseKey, () => _rows.Request(observed, requester));

    public bool Ring(string worker, string leaseKey, string owner, string ring)
    {
        RequireUnit();
        Lease? before = Get(leaseKey);
        bool isRung = _rows.Ring(leaseKey, owner, ring);
        if (isRung)
        {
            Tell(worker, "ring", before, leaseKey);
        }

        return isRung;
    }

    public void UpdateChildren(string worker, string leaseKey, IReadOnlyList<string> children)
    {
        RequireUnit();
        Lease? before = Get(leaseKey);
        _rows.UpdateChildren(leaseKey, children);
        if (before is not null)
        {
            Tell(worker, "children", before, leaseKey);
        }
    }

    public bool Delete(string worker, Lease observed)
    {
        RequireUnit();
        Lease? before = Get(observed.LeaseKey);
        bool isGone = _rows.Delete(observed);
        if (isGone && before is not null)
        {
            Tell(worker, "delete", before, observed.LeaseKey);
        }

        return isGone;
    }

    /// <summary>Puts a row in place without a condition: for deliberate mistakes.</summary>
    public void Overwrite(string worker, string operation, Lease row)
    {
        Lease? before = Get(row.LeaseKey);
        _rows.Put(row);
        Tell(worker, operation, before, row.LeaseKey);
    }

    private LeaseWriteResult Write(string worker, string operation, string leaseKey, Func<LeaseWriteResult> write)
    {
        RequireUnit();
        Lease? before = Get(leaseKey);
        LeaseWriteResult result = write();
        if (result.Outcome == LeaseWriteOutcome.Written)
        {
            Tell(worker, operation, before, leaseKey);
        }
        else
        {
            loop.Trace.Add(worker, leaseKey, $"{operation} is refused: {Describe(result.Lease)}");
        }

        return result;
    }

    private void Tell(string worker, string operation, Lease? before, string leaseKey)
    {
        Lease? after = Get(leaseKey);
        _former[leaseKey] = (before, loop.Now + s_staleness.Ticks);
        loop.Trace.Add(worker, leaseKey, $"{operation}: {Describe(before)} -> {Describe(after)}");
        Written?.Invoke(new TableWrite(worker, operation, before, after));
    }

    private string Describe(Lease? row) => row is null ? "no row" : $"{row.Owner ?? "nobody"} {row.LeaseCounter} {Name(row.LeaseKey, row.Checkpoint)}";

    private void RequireUnit()
    {
        if (UnitsPerSecond is not double units)
        {
            return;
        }

        _units = Math.Min(units, _units + (units * TimeSpan.FromTicks(loop.Now - _filledAt).TotalSeconds));
        _filledAt = loop.Now;
        if (_units < 1)
        {
            throw new LeaseStoreException("The simulated table has no write unit left.", isTransient: true) { IsThrottled = true, ThrottleReason = "TableWriteProvisionedThroughputExceeded" };
        }

        _units--;
    }
}
