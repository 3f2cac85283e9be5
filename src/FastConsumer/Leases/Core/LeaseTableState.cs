using System.Collections.Immutable;

namespace FastConsumer.Leases.Core;

/// <summary>
/// All that a worker knows of the lease table, and all that it has under way there. Immutable; only <see cref="LeaseMachine"/> makes the
/// next one.
/// Times are those of the worker's clock (<c>time.GetElapsedTime(0)</c>).
/// </summary>
internal sealed partial record LeaseTableState
{
    /// <summary>What the worker was told to do; some of it changes by <see cref="LeaseEvent.SettingsChanged"/>.</summary>
    public required Settings Configuration { get; init; }

    /// <summary>Where the worker stands in its life.</summary>
    public Mode Phase { get; init; }

    /// <summary>When the stop began; null before it.</summary>
    public TimeSpan? StopBegan { get; init; }

    /// <summary>The times of the stop; null before it.</summary>
    public StopTimes? Stop { get; init; }

    /// <summary>Every lease that is known, by its key, in ordinal order.</summary>
    public ImmutableSortedDictionary<string, Entry> Leases { get; init; } =
        ImmutableSortedDictionary.Create<string, Entry>(StringComparer.Ordinal);

    /// <summary>What is known of workers, by their names and processes.</summary>
    public ImmutableSortedDictionary<string, Worker> Workers { get; init; } =
        ImmutableSortedDictionary.Create<string, Worker>(StringComparer.Ordinal);

    /// <summary>When the table is listed and its rows are polled.</summary>
    public Scan Table { get; init; } = new();

    /// <summary>What is known of the stream, and of the leases that its shards ask for.</summary>
    public StreamView Stream { get; init; } = new();

    /// <summary>Other processes that run with this worker's id.</summary>
    public WorkerIds Ids { get; init; } = new();

    /// <summary>The pace of writes.</summary>
    public required WriteBudget Budget { get; init; }

    /// <summary>Requests that are not answered, by their number.</summary>
    public ImmutableSortedDictionary<long, Request> Requests { get; init; } = ImmutableSortedDictionary<long, Request>.Empty;

    /// <summary>When which lease has to be looked at again: each lease with a deadline, once.</summary>
    public ImmutableSortedSet<Due> Deadlines { get; init; } = [];

    /// <summary>The leases that wait for a write, those first that were renewed longest ago.</summary>
    public ImmutableSortedSet<Due> SendOrder { get; init; } = [];

    /// <summary>The leases that wait for a write, by the time until which each waits for company.</summary>
    public ImmutableSortedSet<Due> SendTimes { get; init; } = [];

    /// <summary>The number of the next request.</summary>
    public long NextRequest { get; init; } = 1;

    /// <summary>Leases that were released so far; from the stop on, those that the stop released.</summary>
    public int Released { get; init; }

    /// <summary>The leases whose release waits for its turn.</summary>
    public ImmutableSortedSet<string> ToRelease { get; init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    /// <summary>How many leases this worker believes to own: Owned and HandingOff.</summary>
    public int Held { get; init; }

    /// <summary>How many leases are anything but NotHeld.</summary>
    public int Busy { get; init; }

    /// <summary>When invariants were violated, as far as it was within the last five minutes.</summary>
    public ImmutableList<TimeSpan> Violations { get; init; } = [];

    /// <summary>The state of the generator (splitmix64) that all chance comes from.</summary>
    public required ulong Random { get; init; }

    /// <summary>Where a worker stands in its life.</summary>
    public enum Mode
    {
        /// <summary>It gets its share of the leases.</summary>
        Running,

        /// <summary>It takes nothing any more, and hands off what it holds.</summary>
        Stopping,

        /// <summary>It holds nothing any more, and takes back what it has left for others who have gone too.</summary>
        TakingBack,

        /// <summary>Nothing of it is left in the table.</summary>
        Stopped,
    }

    /// <summary>
    /// How many shards were begun, are not finished, and have no owner that lives, by what was read of the table last.
    /// </summary>
    public int Unread => Leases.Values.Count(entry => !entry.IsHeld
        && entry.Row is { Problem: null, IsFinished: false, Checkpoint.Kind: CheckpointKind.Record } row
        && (row.Owner is null
            || (entry.Seen is { } seen && seen.Owner == row.Owner && seen.Still >= (row.Duration ?? Configuration.LeaseDuration))));

    /// <summary>The state of a worker that knows nothing yet.</summary>
    /// <param name="settings">What it is told to do.</param>
    /// <param name="streamCreatedAt">When the stream was created, as it said before the worker began; null where that is not known.</param>
    /// <param name="seed">Where chance begins.</param>
    /// <param name="now">The time.</param>
    public static LeaseTableState Create(Settings settings, DateTimeOffset? streamCreatedAt, ulong seed, TimeSpan now) => new()
    {
        Configuration = settings,
        Budget = WriteBudget.Create(settings.TableWriteUnits, now),
        Random = seed,
        Table = new Scan { ListAt = now, NextRound = now + (settings.LeaseDuration / 20), PolledAt = now },
        Stream = new StreamView
        {
            CreatedAt = streamCreatedAt,
            DescribedAt = streamCreatedAt is null ? null
            : now,
            CleanUpAt = now + TimeSpan.FromMinutes(1)
        },
    };

    /// <summary>What the worker was told to do.</summary>
    public sealed record Settings
    {
        /// <summary>The worker's name: what stands in the rows as owner.</summary>
        public required string WorkerId { get; init; }

        /// <summary>The process's name, which no other has, whatever its worker id.</summary>
        public required string Session { get; init; }

        /// <summary>The stream's name.</summary>
        public required string StreamName { get; init; }

        /// <summary>How long others leave a lease of this worker alone that it does not renew.</summary>
        public required TimeSpan LeaseDuration { get; init; }

        /// <summary>How often progress is written.</summary>
        public required TimeSpan CheckpointInterval { get; init; }

        /// <summary>How often the stream is listed without a reason.</summary>
        public required TimeSpan ShardSyncInterval { get; init; }

        /// <summary>Where a fresh application starts.</summary>
        public CheckpointPosition Start { get; init; } = CheckpointPosition.TrimHorizon;

        /// <summary>The time of AT_TIMESTAMP.</summary>
        public DateTimeOffset? StartTimestamp { get; init; }

        /// <summary>
        /// What LATEST stands for where a row without progress is to follow it: the service's time when the worker began.
        /// </summary>
        public DateTimeOffset? LatestAt { get; init; }

        /// <summary>The most leases that this worker takes; null for as many as fall to it.</summary>
        public int? MaxLeases { get; init; }

        /// <summary>
        /// True where a lease without a range of hash keys, such as one of KCL before 2.3, is taken only when the stream's first listing
        /// has told its range or has failed: its reader leaves out records of other shards.
        /// </summary>
        public bool AwaitsHashKeys { get; init; }

        /// <summary>True where leases count by what their shards yield; else all count alike.</summary>
        public bool BalanceByThroughput { get; init; }

        /// <summary>Write units a second that the application may use on the table; null where that is to be found out.</summary>
        public double? TableWriteUnits { get; init; }

        /// <summary>True where a sink leads the positions of the shards, and leases follow.</summary>
        public bool IsLedBySink { get; init; }

        /// <summary>The version of the state that the processor keeps; 0 where it keeps none.</summary>
        public int StateVersion { get; init; }

        /// <summary>Rules that are switched off: only ever in tests, which show that each rule is missed.</summary>
        public LeaseMachine.Rules Without { get; init; }
    }

    /// <summary>When the phases of a stop or a hand-off end.</summary>
    /// <param name="Cancel">Running handlers are cancelled.</param>
    /// <param name="GiveUp">Handlers that ignore their cancellation are no longer waited for.</param>
    /// <param name="FlushEnd">No further try at a last checkpoint.</param>
    /// <param name="End">No further try at a release.</param>
    public sealed record StopTimes(TimeSpan Cancel, TimeSpan GiveUp, TimeSpan FlushEnd, TimeSpan End)
    {
        /// <summary>No phase ends by time.</summary>
        public static StopTimes Never { get; } = new(TimeSpan.MaxValue, TimeSpan.MaxValue, TimeSpan.MaxValue, TimeSpan.MaxValue);

        /// <summary>The phases of a stop that may take so long, of which some is kept for the release.</summary>
        public static StopTimes From(TimeSpan begin, TimeSpan all, TimeSpan releaseTime)
        {
            TimeSpan beforeRelease = all - releaseTime;
            return new StopTimes(begin + (0.8 * beforeRelease), begin + (0.9 * beforeRelease), begin + beforeRelease, begin + all);
        }

        /// <summary>The earlier of both, phase by phase.</summary>
        public StopTimes Earlier(StopTimes? other) => other is null ? this : new StopTimes(
            Min(Cancel, other.Cancel), Min(GiveUp, other.GiveUp), Min(FlushEnd, other.FlushEnd), Min(End, other.End));

        private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
    }

    /// <summary>One lease.</summary>
    /// <param name="Key">Its key: the shard.</param>
    public sealed record Entry(string Key)
    {
        /// <summary>The newest row that was read or written.</summary>
        public required Lease Row { get; init; }

        /// <summary>Since when it looks like that; null where it was never read.</summary>
        public Sight? Seen { get; init; }

        /// <summary>What the lease is to this worker.</summary>
        public Hold Hold { get; init; } = Hold.NotHeld.Settled;

        /// <summary>What was told of the row of a lease that is held, which cannot be read; null where it can.</summary>
        public string? Unreadable { get; init; }

        /// <summary>Set while this worker waits for it as its requester.</summary>
        public Asking? Asked { get; init; }

        /// <summary>Set where this worker leaves it alone for a while.</summary>
        public Bar? Barred { get; init; }

        /// <summary>
        /// A command that the run of this epoch has accepted, for the run that follows it; null for none. It is dropped where another
        /// owner comes between the two.
        /// </summary>
        public (long Epoch, string Command)? Redrive { get; init; }

        /// <summary>When it is to be looked at again: what stands in <see cref="Deadlines"/>.</summary>
        public TimeSpan Deadline { get; init; } = TimeSpan.MaxValue;

        /// <summary>What stands in <see cref="SendOrder"/> and <see cref="SendTimes"/>; null where it waits for no write.</summary>
        public (TimeSpan Order, TimeSpan SendAt)? Queued { get; init; }

        /// <summary>What this worker owns of it; null where it does not.</summary>
        public Own? Own => (Hold as Hold.Holding)?.Own;

        /// <summary>True while this worker believes that the lease is its own.</summary>
        public bool IsHeld => Hold is Hold.Owned or Hold.HandingOff;
    }

    /// <summary>What a row looked like, and since when.</summary>
    /// <param name="Counter">Its counter.</param>
    /// <param name="Owner">Its owner.</param>
    /// <param name="Worker">Which worker that was: its owner and, where the row says it, the process.</param>
    /// <param name="Since">When the answer that first showed this counter was taken in.</param>
    /// <param name="Until">When the latest read began that still showed it.</param>
    /// <param name="HasMoved">True where this owner was seen to write it.</param>
    /// <param name="IsTaken">True where its owner had taken it, so that it tells something of its owner.</param>
    public sealed record Sight(long Counter, string? Owner, string? Worker, TimeSpan Since, TimeSpan Until, bool HasMoved, bool IsTaken)
    {
        /// <summary>How long the counter is known to have stood still.</summary>
        public TimeSpan Still => Until > Since ? Until - Since : TimeSpan.Zero;
    }

    /// <summary>What a lease is to this worker.</summary>
    public abstract record Hold
    {
        private Hold()
        {
        }

        /// <summary>Not this worker's.</summary>
        /// <param name="Unsettled">A write of this worker's that was given up and may yet take effect; the row tells once it has
        /// moved.</param>
        public sealed record NotHeld(Attempt? Unsettled) : Hold
        {
            /// <summary>Nothing is under way.</summary>
            public static NotHeld Settled { get; } = new((Attempt?)null);
        }

        /// <summary>A take is under way.</summary>
        /// <param name="Attempt">The take.</param>
        /// <param name="First">When the first take on this counter was sent, where an earlier one was not answered.</param>
        /// <param name="From">Whose it was and why it may be taken, for the log.</param>
        /// <param name="IsInDoubt">True once nobody waits for the answer any more: the row tells.</param>
        /// <param name="ReadAt">When the row is read for it next.</param>
        public sealed record Taking(Attempt Attempt, TimeSpan First, string From, bool IsInDoubt, TimeSpan ReadAt) : Hold;

        /// <summary>States in which the row may bear this worker's name, and in which it writes the row.</summary>
        public abstract record Holding(Own Own) : Hold;

        /// <summary>This worker reads the shard.</summary>
        public sealed record Owned(Own Own) : Holding(Own);

        /// <summary>The shard is being stopped, and checkpointed for the last time.</summary>
        /// <param name="Own">What is owned.</param>
        /// <param name="Why">The reason.</param>
        /// <param name="To">Who asked for it; null for nobody, or whoever is found at a stop.</param>
        /// <param name="Step">How far it is.</param>
        /// <param name="Times">When its phases end.</param>
        /// <param name="End">How the run drained; null before.</param>
        /// <param name="Since">When it began.</param>
        public sealed record HandingOff(Own Own, Reason Why, string? To, Stage Step, StopTimes Times, LeaseEvent.RunEnd? End,
            TimeSpan Since)
            : Holding(Own);

        /// <summary>Nothing here touches the shard any more, and the row is given up.</summary>
        /// <param name="Own">What is owned.</param>
        /// <param name="To">Who is to own it next; null for nobody.</param>
        /// <param name="Until">When it is left to expire.</param>
        /// <param name="SendAt">When the release is sent (again).</param>
        /// <param name="Tries">How often it was sent.</param>
        /// <param name="AwaitsSuccessor">True while it is not known who is there.</param>
        public sealed record Releasing(Own Own, string? To, TimeSpan Until, TimeSpan SendAt, int Tries, bool AwaitsSuccessor)
            : Holding(Own);

        /// <summary>Another worker may own it, and the run here has not ended.</summary>
        /// <param name="Epoch">The run.</param>
        /// <param name="Why">How it was lost.</param>
        /// <param name="Until">When it is said that the run does not end.</param>
        /// <param name="IsTold">True once that was said.</param>
        public sealed record Lost(long Epoch, string Why, TimeSpan Until, bool IsTold = false) : Hold;

        /// <summary>Why a lease is handed off.</summary>
        public enum Reason
        {
            /// <summary>Another worker has asked for it.</summary>
            Requested,

            /// <summary>The worker stops.</summary>
            Stop,

            /// <summary>The shard is closed and done.</summary>
            ShardEnd,

            /// <summary>The run has failed.</summary>
            Failed,

            /// <summary>It is taken again by this worker, with a new epoch.</summary>
            TakeAnew,
        }

        /// <summary>How far a hand-off is.</summary>
        public enum Stage
        {
            /// <summary>Handlers run.</summary>
            Draining,

            /// <summary>Handlers have been cancelled.</summary>
            Cancelled,

            /// <summary>Handlers have been given up.</summary>
            GivenUp,

            /// <summary>No handler runs: the last checkpoint is written.</summary>
            Flushing,

            /// <summary>The run has been told to end.</summary>
            Finishing,
        }
    }

    /// <summary>A lease that this worker owns, as far as it knows.</summary>
    /// <param name="Row">The row as this worker wrote it last: the condition of the next write.</param>
    /// <param name="Epoch">The counter as the lease was taken: the fencing token.</param>
    /// <param name="RenewedAt">When the last write that took effect was sent.</param>
    public sealed record Own(Lease Row, long Epoch, TimeSpan RenewedAt)
    {
        /// <summary>The operator's command that its run was told last.</summary>
        public string? Command { get; init; }

        /// <summary>The pause that its run knows of; null for none.</summary>
        public string? Paused { get; init; }

        /// <summary>What is to be written next; null for nothing.</summary>
        public Wants? Waiting { get; init; }

        /// <summary>The request that is under way; null where none is.</summary>
        public Flight? InFlight { get; init; }

        /// <summary>
        /// Writes on the counter of <see cref="Row"/> that may have taken effect: at most one has. The first was sent first.
        /// </summary>
        public ImmutableList<Attempt> Attempts { get; init; } = [];

        /// <summary>When progress is written without anybody asking for it.</summary>
        public TimeSpan CheckpointAt { get; init; } = TimeSpan.MaxValue;

        /// <summary>Writes in a row that did not take effect.</summary>
        public int Failures { get; init; }

        /// <summary>No checkpoint is tried again before; a renewal that is due is.</summary>
        public TimeSpan RetryAt { get; init; } = TimeSpan.MinValue;

        /// <summary>True where the last one was throttled.</summary>
        public bool IsThrottled { get; init; }

        /// <summary>Since when something waits to be written; null where nothing does.</summary>
        public TimeSpan? WaitsSince { get; init; }

        /// <summary>When the row is read because of a write in doubt; null where it is not to be.</summary>
        public TimeSpan? ReadAt { get; init; }
    }

    /// <summary>What a lease has to write.</summary>
    /// <param name="HasCheckpoint">True where there may be progress; false to renew only.</param>
    /// <param name="IsUrgent">True where somebody waits for it.</param>
    /// <param name="SendAt">Until when it waits for company.</param>
    /// <param name="NotBefore">Until when it waits for nothing but the end of a back-off.</param>
    public sealed record Wants(bool HasCheckpoint, bool IsUrgent, TimeSpan SendAt, TimeSpan NotBefore);

    /// <summary>A request that was handed to the client for a lease.</summary>
    /// <param name="Request">Its number.</param>
    /// <param name="At">When it was handed to the client.</param>
    /// <param name="Wants">What it was for: wanted again where it fails.</param>
    /// <param name="SentAt">When the client handed it to the store; null before.</param>
    public sealed record Flight(long Request, TimeSpan At, Wants Wants, TimeSpan? SentAt);

    /// <summary>A write that was handed to the store, or may have been.</summary>
    /// <param name="Request">The request's number.</param>
    /// <param name="Write">The write.</param>
    /// <param name="SentAt">When it was sent at the latest possible moment before: whoever sees its effect cannot have seen it
    /// earlier.</param>
    public sealed record Attempt(long Request, LeaseWrite Write, TimeSpan SentAt);

    /// <summary>A request that is not answered yet.</summary>
    /// <param name="Kind">What it does.</param>
    /// <param name="Leases">The leases, in the order of its answer. Of a batch, those that it was sent for once it is sent.</param>
    /// <param name="At">When it was handed to the client.</param>
    /// <param name="Row">The row that a request or withdrawal is about; null for other kinds.</param>
    /// <param name="IsAbandoned">True where nobody waits for it any more.</param>
    public sealed record Request(RequestKind Kind, ImmutableArray<Due> Leases, TimeSpan At, Lease? Row = null, bool IsAbandoned = false);

    /// <summary>What a request does.</summary>
    public enum RequestKind
    {
        /// <summary>Renewals and checkpoints of leases that are held.</summary>
        Batch,

        /// <summary>A take.</summary>
        Take,

        /// <summary>A release.</summary>
        Release,

        /// <summary>An owner is asked for its lease.</summary>
        Ask,

        /// <summary>That is taken back.</summary>
        Withdraw,

        /// <summary>Children are named on their parent's row, for KCL.</summary>
        NameChildren,

        /// <summary>A row is given its lineage.</summary>
        Adopt,

        /// <summary>Leases are created.</summary>
        Create,
    }

    /// <summary>A lease that this worker has asked for.</summary>
    /// <param name="At">When.</param>
    /// <param name="Notified">How often its owner was notified.</param>
    public sealed record Asking(TimeSpan At, int Notified);

    /// <summary>A lease that this worker leaves alone.</summary>
    /// <param name="Until">Until when.</param>
    /// <param name="Wait">For how long: twice as long the next time.</param>
    /// <param name="IsViolation">True where an invariant was violated, so that nothing shortens it.</param>
    public sealed record Bar(TimeSpan Until, TimeSpan Wait, bool IsViolation);

    /// <summary>What is known of another worker.</summary>
    /// <param name="SilentSince">Since when it has shown no sign of life, where others have taken its notification row; null where its rows
    /// tell.</param>
    /// <param name="TookAt">When it was last seen to have taken a lease.</param>
    /// <param name="IsDead">True where nothing of it lives.</param>
    /// <param name="IsFastConsumer">True where it holds a lease that it took as FastConsumer does.</param>
    public sealed record Worker(TimeSpan? SilentSince, TimeSpan? TookAt, bool IsDead, bool IsFastConsumer)
    {
        /// <summary>A worker of which nothing is known.</summary>
        public static Worker Unknown { get; } = new(null, null, false, false);
    }

    /// <summary>A time at which a lease is due. Ordered by time, then by key.</summary>
    public readonly record struct Due(TimeSpan At, string Key, long Epoch = 0) : IComparable<Due>
    {
        /// <inheritdoc/>
        public int CompareTo(Due other)
        {
            int byTime = At.CompareTo(other.At);
            return byTime != 0 ? byTime : string.CompareOrdinal(Key, other.Key);
        }
    }
}
