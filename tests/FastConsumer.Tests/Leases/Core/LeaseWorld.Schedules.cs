using FastConsumer.Leases;

namespace FastConsumer.Tests.Leases.Core;

/// <content>What fixed schedules do to the table.</content>
internal sealed partial class LeaseWorld
{
    /// <summary>Rows that are not deleted for now, as where the table throttles a key.</summary>
    public HashSet<string> NotDeleted { get; } = new(StringComparer.Ordinal);

    /// <summary>A creation that was held up reaches the table. Nobody hears of its answer.</summary>
    /// <param name="lease">The row.</param>
    /// <param name="whileThere">The rows that must be there.</param>
    public LeaseWrite.Outcome Land(Lease lease, IReadOnlyList<string> whileThere) => Create(lease, whileThere).Outcome;
}
