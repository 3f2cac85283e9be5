namespace FastConsumer.Leases;

/// <summary>One conditional write of one row of the lease table.</summary>
public sealed record LeaseWrite
{
    private static readonly Dictionary<string, Lease.Value> s_nothing = new(StringComparer.Ordinal);

    /// <summary>The row.</summary>
    public required string LeaseKey { get; init; }

    /// <summary>
    /// The condition: each attribute has exactly this value, or is absent where the value is null. The row must exist, also where this is empty.
    /// </summary>
    public required IReadOnlyDictionary<string, Lease.Value?> If { get; init; }

    /// <summary>The attributes that are set.</summary>
    public IReadOnlyDictionary<string, Lease.Value> Set { get; init; } = s_nothing;

    /// <summary>The attributes that are removed; one that is absent stays absent.</summary>
    public IReadOnlyCollection<string> Remove { get; init; } = [];

    /// <summary>What became of a write.</summary>
    public enum Outcome
    {
        /// <summary>It took effect.</summary>
        Written,

        /// <summary>The row is not what the condition says, or it is gone. The write had no effect.</summary>
        Refused,

        /// <summary>It was certainly not written: it was throttled, or never sent.</summary>
        NotWritten,

        /// <summary>Nobody knows whether it took effect: there was no answer.</summary>
        Unknown,
    }

    /// <summary>The answer to a write.</summary>
    /// <param name="Outcome">What became of it.</param>
    /// <param name="Row">The row after the write, or as it refused it, where the store says so; else null.</param>
    /// <param name="Error">Why it was not written or is not known.</param>
    public readonly record struct Result(Outcome Outcome, Lease? Row = null, Exception? Error = null);
}
