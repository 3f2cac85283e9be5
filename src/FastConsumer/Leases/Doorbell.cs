namespace FastConsumer.Leases;

/// <summary>
/// How workers call each other without a connection: a worker's bell is the row with the smallest key among the leases it holds, which it
/// reads every three quarters of a second; who rings sets an attribute of ours there. A ring says only: look at the table. What is wanted stands in
/// the rows themselves, so a ring that is lost costs time and nothing else.
/// </summary>
/// <param name="store">The table.</param>
/// <param name="me">This worker.</param>
/// <param name="random">Makes each ring another value; used under a lock.</param>
internal sealed class Doorbell(ILeaseStore store, string me, Random random)
{
    /// <summary>A bell that was read with delay may be another worker's by now, or another row: then the next are tried.</summary>
    private const int Tries = 3;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, string?> _heard = new(StringComparer.Ordinal);

    /// <summary>The bell of each owner. A row that was given to a worker that has not taken it yet is no bell: it is not listened at.</summary>
    public static Dictionary<string, Lease> BellsOf(IEnumerable<Lease> leases) => leases
        .Where(static lease => lease.Owner is not null && !lease.IsFinished)
        .GroupBy(static lease => lease.Owner!, StringComparer.Ordinal)
        .ToDictionary(static owned => owned.Key, static owned => owned.OrderBy(static lease => !lease.IsHeldByFastConsumer).ThenBy(static lease => lease.LeaseKey, StringComparer.Ordinal).First(), StringComparer.Ordinal);

    /// <summary>Everything that was rung up to this list is answered by it.</summary>
    public void Heard(IReadOnlyList<Lease> listed)
    {
        lock (_lock)
        {
            _heard.Clear();
            foreach (Lease lease in listed.Where(lease => lease.LeaseOwner == me))
            {
                _heard[lease.LeaseKey] = lease.Notification;
            }
        }
    }

    /// <summary>True where this row of the worker's own shows a ring that it has not answered.</summary>
    public bool IsRung(Lease row)
    {
        lock (_lock)
        {
            return row.LeaseOwner == me && row.Notification is not null && _heard.GetValueOrDefault(row.LeaseKey) != row.Notification;
        }
    }

    /// <summary>Rings at a worker; true where it holds a lease to ring at.</summary>
    public async Task<bool> RingAsync(string worker, IReadOnlyList<Lease> leases, CancellationToken cancellationToken)
    {
        string ring;
        lock (_lock)
        {
            ring = $"{me}/{random.NextInt64():x}";
        }

        foreach (Lease bell in leases
            .Where(lease => lease.LeaseOwner == worker && lease.IsHeldByFastConsumer && !lease.IsFinished)
            .OrderBy(static lease => lease.LeaseKey, StringComparer.Ordinal)
            .Take(Tries))
        {
            if (await store.RingAsync(bell.LeaseKey, worker, ring, cancellationToken))
            {
                return true;
            }
        }

        return false;
    }
}
