using FastConsumer.Leases;
using FastConsumer.Testing.Leases;

namespace FastConsumer.Testing.Simulation;

/// <summary>A write to the table that took effect.</summary>
/// <param name="Worker">Whose request it was.</param>
/// <param name="Operation">create, delete, or what <see cref="LeaseOperationName.Of"/> says.</param>
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
        foreach ((string leaseKey, (Lease? former, long until)) in _former.Where(pair => pair.Value.Until > loop.Now).OrderBy(
            static pair => pair.Key, StringComparer.Ordinal))
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

    public LeaseWrite.Result Create(string worker, Lease lease, IReadOnlyList<string>? whileThere = null)
    {
        if (!TryTakeUnit())
        {
            return Throttled();
        }

        LeaseWrite.Result result = _rows.Create(lease, whileThere: whileThere);
        if (result.Outcome == LeaseWrite.Outcome.Written)
        {
            Tell(worker, "create", null, lease.LeaseKey);
        }

        return result;
    }

    /// <summary>Each write on its own; one that is throttled is not written.</summary>
    public IReadOnlyList<LeaseWrite.Result> Write(string worker, IReadOnlyList<LeaseWrite> writes) =>
        [.. writes.Select(write => Write(worker, write))];

    public LeaseWrite.Result Delete(string worker, Lease observed)
    {
        if (!TryTakeUnit())
        {
            return Throttled();
        }

        Lease? before = Get(observed.LeaseKey);
        LeaseWrite.Result result = _rows.Delete(observed);
        if (result.Outcome == LeaseWrite.Outcome.Written)
        {
            Tell(worker, "delete", before, observed.LeaseKey);
        }

        return result;
    }

    /// <summary>Puts a row in place without a condition, and tells nobody.</summary>
    public void Put(string leaseKey, IReadOnlyDictionary<string, Lease.Value> attributes) => _rows.Put(leaseKey, attributes);

    /// <summary>Puts a row in place without a condition: for deliberate mistakes.</summary>
    public void Overwrite(string worker, string operation, Lease row)
    {
        Lease? before = Get(row.LeaseKey);
        _rows.Put(row.LeaseKey, row.ToAttributes());
        Tell(worker, operation, before, row.LeaseKey);
    }

    private LeaseWrite.Result Write(string worker, LeaseWrite write)
    {
        if (!TryTakeUnit())
        {
            return Throttled();
        }

        string operation = LeaseOperationName.Of(write);
        Lease? before = Get(write.LeaseKey);
        LeaseWrite.Result result = _rows.Write(write);
        if (result.Outcome == LeaseWrite.Outcome.Written)
        {
            Tell(worker, operation, before, write.LeaseKey);
        }
        else
        {
            loop.Trace.Add(worker, write.LeaseKey, $"{operation} is refused: {Describe(result.Row)}");
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

    private string Describe(Lease? row) =>
        row is null ? "no row" : $"{row.Owner ?? "nobody"} {row.LeaseCounter} {Name(row.LeaseKey, row.Checkpoint)}";

    private bool TryTakeUnit()
    {
        if (UnitsPerSecond is not double units)
        {
            return true;
        }

        _units = Math.Min(units, _units + (units * TimeSpan.FromTicks(loop.Now - _filledAt).TotalSeconds));
        _filledAt = loop.Now;
        if (_units < 1)
        {
            return false;
        }

        _units--;
        return true;
    }

    private static LeaseWrite.Result Throttled() => new(
        LeaseWrite.Outcome.NotWritten,
        Error: new LeaseStoreException("The simulated table has no write unit left.", isTransient: true)
        {
            IsThrottled = true,
            ThrottleReason = "TableWriteProvisionedThroughputExceeded",
        });
}
