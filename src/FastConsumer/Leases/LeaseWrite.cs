using System.Globalization;

namespace FastConsumer.Leases;

/// <summary>One conditional write of one row of the lease table.</summary>
public sealed record LeaseWrite
{
    private static readonly Dictionary<string, Lease.Value> s_nothing = new(StringComparer.Ordinal);

    /// <summary>The row.</summary>
    public required string LeaseKey { get; init; }

    /// <summary>
    /// The condition: each attribute has exactly this value, or is absent where the value is null. The row must exist, also where this is
    /// empty: no write creates one.
    /// </summary>
    public required IReadOnlyDictionary<string, Lease.Value?> If { get; init; }

    /// <summary>The attributes that are set.</summary>
    public IReadOnlyDictionary<string, Lease.Value> Set { get; init; } = s_nothing;

    /// <summary>The attributes that are removed; one that is absent stays absent.</summary>
    public IReadOnlyCollection<string> Remove { get; init; } = [];

    /// <summary>
    /// Refuses what no store can write in one go: two writes of one row, a write that changes nothing, that sets an attribute and removes
    /// it, or
    /// that touches the key. Every store calls it before it sends anything.
    /// </summary>
    /// <exception cref="ArgumentException">There is one of these; the message names the row.</exception>
    public static void ThrowIfInvalid(IReadOnlyList<LeaseWrite> writes)
    {
        ArgumentNullException.ThrowIfNull(writes);
        var keys = new HashSet<string>(writes.Count, StringComparer.Ordinal);
        foreach (LeaseWrite write in writes)
        {
            ArgumentException.ThrowIfNullOrEmpty(write.LeaseKey);
            string? problem =
                !keys.Add(write.LeaseKey) ? "There are two writes of row '{0}': one write per row at a time."
                : write.Set.Count == 0 && write.Remove.Count == 0 ? "The write of row '{0}' changes nothing."
                : write.Set.ContainsKey(Lease.Names.LeaseKey) || write.Remove.Contains(Lease.Names.LeaseKey)
                    ? "The write of row '{0}' changes its key."
                : write.Remove.Any(write.Set.ContainsKey) ? "The write of row '{0}' sets an attribute and removes it."
                : write.Set.Values.Any(static value => value.Type == Lease.Value.Kind.None)
                    ? "The write of row '{0}' sets an attribute to no value."
                : null;
            if (problem is not null)
            {
                throw new ArgumentException(string.Format(CultureInfo.InvariantCulture, problem, write.LeaseKey), nameof(writes));
            }
        }
    }

    /// <summary>True where a row fulfils the condition.</summary>
    /// <param name="row">All attributes of the row, which exists.</param>
    public bool IsAllowedOn(IReadOnlyDictionary<string, Lease.Value> row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return If.All(condition => condition.Value is { } value
            ? row.TryGetValue(condition.Key, out Lease.Value actual) && actual == value
            : !row.ContainsKey(condition.Key));
    }

    /// <summary>What the write makes of a row, whether or not that fulfils the condition.</summary>
    public Lease ApplyTo(Lease row)
    {
        ArgumentNullException.ThrowIfNull(row);
        var attributes = new Dictionary<string, Lease.Value>(row.ToAttributes(), StringComparer.Ordinal);
        foreach (string removed in Remove)
        {
            attributes.Remove(removed);
        }

        foreach ((string name, Lease.Value value) in Set)
        {
            attributes[name] = value;
        }

        return Lease.Read(LeaseKey, attributes);
    }

    /// <summary>What became of a write.</summary>
    public enum Outcome
    {
        /// <summary>It took effect.</summary>
        Written,

        /// <summary>The row is not what the condition says, or it is gone. The write had no effect.</summary>
        Refused,

        /// <summary>
        /// It was certainly not written: the server threw it back (throttled, denied, table missing), or it was never sent.
        /// </summary>
        NotWritten,

        /// <summary>
        /// Nobody knows whether it took effect, or will: there was no answer, a broken connection, or an error of the server's own (5xx).
        /// </summary>
        Unknown,
    }

    /// <summary>The answer to a write.</summary>
    /// <param name="Outcome">What became of it.</param>
    /// <param name="Row">
    /// Written: the row after the write; null where the store does not say, for <see cref="ApplyTo"/> does. Refused: the row as it is;
    /// null where
    /// the store does not say, or the row is gone.
    /// </param>
    /// <param name="Error">
    /// Why it was not written or is not known, mostly a <see cref="LeaseStoreException"/>, whose
    /// <see cref="LeaseStoreException.IsThrottled"/> says
    /// whether the table was asked for too much; null where it was written or refused.
    /// </param>
    public readonly record struct Result(Outcome Outcome, Lease? Row = null, Exception? Error = null);
}
