using System.Collections.Immutable;

namespace FastConsumer.Leases.Core;

/// <summary>
/// Decides all that happens to leases: from a state, what has happened, and the time, to the next state and what is to be done. Pure: no
/// I/O, no clock, no chance but the state's. docs/leases.md tells the whole story.
/// </summary>
internal static partial class LeaseMachine
{
    /// <summary>Rules that tests switch off, to show that the checks miss them. None in production.</summary>
    [Flags]
    internal enum Rules
    {
        /// <summary>All rules hold.</summary>
        None = 0,

        /// <summary>A lease's age counts from when its last write was sent, not from when it was answered.</summary>
        AgeFromSending = 1,

        /// <summary>A row is adopted only where one of our writes leaves exactly it.</summary>
        ExactAdoption = 1 << 1,

        /// <summary>No take while a former run lasts here.</summary>
        FormerRunEnds = 1 << 2,

        /// <summary>A take without an answer is settled by its row.</summary>
        TakeInDoubt = 1 << 3,

        /// <summary>A row expires by its owner's lease duration.</summary>
        OwnersDuration = 1 << 4,

        /// <summary>A lease that was asked for counts for who asked.</summary>
        RequesterCounts = 1 << 5,

        /// <summary>Events of another run change nothing.</summary>
        EpochsDiffer = 1 << 6,

        /// <summary>One write of a lease at a time.</summary>
        OneWrite = 1 << 7,

        /// <summary>A counter stands still from when it was taken in until its latest read began.</summary>
        StillnessByReads = 1 << 8,

        /// <summary>A worker is dead only where all of its rows stand still.</summary>
        DeadByAllRows = 1 << 9,

        /// <summary>A worker never releases what a former process of its id holds.</summary>
        NamesakesKeep = 1 << 10,

        /// <summary>Leases are created only by a listing of late.</summary>
        FreshListing = 1 << 11,

        /// <summary>A row with a lower counter is an older one.</summary>
        StaleRows = 1 << 12,

        /// <summary>A lease is lost at 0.9 of its duration, whatever comes later.</summary>
        Expires = 1 << 13,

        /// <summary>A throttled write leaves no doubt.</summary>
        ThrottleIsNoDoubt = 1 << 14,

        /// <summary>No take and no creation before all leased parents are finished.</summary>
        ParentsFirst = 1 << 15,

        /// <summary>A worker takes no more leases than it may have.</summary>
        MaxLeases = 1 << 16,

        /// <summary>A worker takes no more than its share; without this rule, two more.</summary>
        Share = 1 << 17,

        /// <summary>A hand-off writes the last checkpoint before it gives the lease up.</summary>
        FlushFirst = 1 << 18,

        /// <summary>A hand-off whose request was withdrawn passes the lease to nobody.</summary>
        WithdrawnGoesToNobody = 1 << 19,

        /// <summary>A lease is released when its run has ended, not before.</summary>
        RunEndsFirst = 1 << 20,

        /// <summary>A checkpoint in doubt is settled by its position too.</summary>
        SettlesByPosition = 1 << 21,

        /// <summary>A checkpoint in doubt is settled by its snapshot too.</summary>
        SettlesBySnapshot = 1 << 22,

        /// <summary>A worker leaves rows of a higher version of the state alone.</summary>
        StateVersion = 1 << 23,

        /// <summary>With state, nothing is taken before all rows bear the same lineage.</summary>
        LineageFirst = 1 << 24,

        /// <summary>A child's row is made with what its parents' rows say of the state.</summary>
        ChildrenInherit = 1 << 25,

        /// <summary>The row of a finished shard with state stays until each child has a snapshot of its own.</summary>
        ParentsStay = 1 << 26,
    }

    /// <summary>A lease counts as this worker's own for so much of its duration: others wait for all of it.</summary>
    internal const double Lasts = 0.9;

    /// <summary>As many leases as DynamoDB takes in one request.</summary>
    internal const int BatchSize = 25;

    private const int BatchesAtOnce = 8;
    private const int SinglesAtOnce = 16;
    private const int ReleasesAtOnce = 64;

    /// <summary>The next state, and what is to be done, in this order.</summary>
    /// <param name="state">The state.</param>
    /// <param name="e">What has happened.</param>
    /// <param name="now">The time, never less than at the step before.</param>
    /// <exception cref="InvariantViolation">The state is not what it must be. The caller keeps the old one and posts <see
    /// cref="LeaseEvent.Violated"/>.</exception>
    public static (LeaseTableState State, ImmutableArray<LeaseCommand> Commands) Step(LeaseTableState state, LeaseEvent e, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(e);
        var turn = new Turn(state, now);
        turn.Take(e);
        turn.Advance();
        return turn.End();
    }

    /// <summary>When <see cref="Step"/> is to be called with a <see cref="LeaseEvent.Tick"/> at the latest: at least each D/20.</summary>
    public static TimeSpan NextDeadline(LeaseTableState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new Turn(state, TimeSpan.MinValue).NextDeadline();
    }

    /// <summary>An invariant of the leases does not hold: what follows could be wrong, so the lease is given up instead.</summary>
    internal sealed class InvariantViolation(string invariant, string? leaseKey, string message) : Exception(message)
    {
        /// <summary>The invariant.</summary>
        public string Invariant { get; } = invariant;

        /// <summary>The lease; null where it is not about one.</summary>
        public string? LeaseKey { get; } = leaseKey;
    }
}
