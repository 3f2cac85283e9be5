using System.Collections.Immutable;
using FastConsumer.Kinesis;

namespace FastConsumer.Leases.Core;

/// <content>What a worker knows beside the leases.</content>
internal sealed partial record LeaseTableState
{
    /// <summary>When the table is listed and its rows are polled, and what a list still asks to be done.</summary>
    public sealed record Scan
    {
        /// <summary>When the regular list is due.</summary>
        public TimeSpan ListAt { get; init; }

        /// <summary>How many more lists follow the one before at once: the first ones of a start and of a stop.</summary>
        public int QuickLists { get; init; } = LeaseMachine.QuickLists;

        /// <summary>True where a list is asked for before that.</summary>
        public bool IsListWanted { get; init; } = true;

        /// <summary>True where only a consistent list will do.</summary>
        public bool IsStrongWanted { get; init; } = true;

        /// <summary>Which worker was last seen to ask for a lease, and when: a request is a sign of life.</summary>
        public ImmutableSortedDictionary<string, TimeSpan> Askers { get; init; } =
            ImmutableSortedDictionary.Create<string, TimeSpan>(StringComparer.Ordinal);

        /// <summary>When the list that is under way began; null where none is.</summary>
        public TimeSpan? ListingSince { get; init; }

        /// <summary>When the last list was taken in; null before the first.</summary>
        public TimeSpan? ListedAt { get; init; }

        /// <summary>True where the list under way is consistent.</summary>
        public bool IsListingStrong { get; init; }

        /// <summary>Leases that may run, by the last plan.</summary>
        public int Runnable { get; init; }

        /// <summary>Set until the list has come that tells what a worker that has stopped takes back.</summary>
        public TimeSpan? TakeBackSince { get; init; }

        /// <summary>When the list that was taken in last began.</summary>
        public TimeSpan ListBegun { get; init; }

        /// <summary>How many leases it held: what a list costs.</summary>
        public int Leases { get; init; }

        /// <summary>Lists and polls that failed in a row, and lists after which leases did not move.</summary>
        public int Failures { get; init; }

        /// <summary>When a take, a request or a withdrawal failed last; null where none did.</summary>
        public TimeSpan? MoveFailedAt { get; init; }

        /// <summary>No list begins before: a back-off is not cut short.</summary>
        public TimeSpan NotBefore { get; init; }

        /// <summary>When rows were polled last.</summary>
        public TimeSpan PolledAt { get; init; }

        /// <summary>The rows of the poll that is under way; null where none is.</summary>
        public ImmutableArray<string>? Polling { get; init; }

        /// <summary>True where the poll under way is also of the rows that are watched.</summary>
        public bool PollWatches { get; init; }

        /// <summary>When the poll that is under way began.</summary>
        public TimeSpan PollingSince { get; init; }

        /// <summary>The notification rows of other workers that are watched where lists come seldom, with their owners.</summary>
        public ImmutableArray<(string Key, string Owner)> Watched { get; init; } = [];

        /// <summary>When they were watched last.</summary>
        public TimeSpan WatchedAt { get; init; }

        /// <summary>When a list is due because a lease may have expired.</summary>
        public TimeSpan ExpiryAt { get; init; } = TimeSpan.MaxValue;

        /// <summary>The notifications on this worker's rows that a list has answered.</summary>
        public ImmutableSortedDictionary<string, string?> Heard { get; init; } =
            ImmutableSortedDictionary.Create<string, string?>(StringComparer.Ordinal);

        /// <summary>True where a notification was seen since the last list began.</summary>
        public bool IsNotified { get; init; }

        /// <summary>
        /// True where the list under way answers a notification: where it shows nothing new, it lagged, and another follows.
        /// </summary>
        public bool AnswersNotification { get; init; }

        /// <summary>What is still to be taken, by the last plan.</summary>
        public ImmutableList<(string Key, long Counter, string From)> ToTake { get; init; } = [];

        /// <summary>What owners are still to be asked for.</summary>
        public ImmutableList<string> ToAsk { get; init; } = [];

        /// <summary>Which requests are still to be withdrawn.</summary>
        public ImmutableList<string> ToWithdraw { get; init; } = [];

        /// <summary>The owners that were asked since they were notified last.</summary>
        public ImmutableSortedSet<string> ToNotify { get; init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

        /// <summary>True once this worker has tried to take or to ask for something.</summary>
        public bool HasReached { get; init; }

        /// <summary>True once it is known who is there to hand leases to at a stop, or that this cannot be known.</summary>
        public bool KnowsSuccessors { get; init; }

        /// <summary>Who leases are handed to at a stop, and how many each has.</summary>
        public ImmutableSortedDictionary<string, int> Successors { get; init; } =
            ImmutableSortedDictionary.Create<string, int>(StringComparer.Ordinal);

        /// <summary>What was released to whom at the stop: as the row was left.</summary>
        public ImmutableSortedDictionary<string, string> Given { get; init; } =
            ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

        /// <summary>Successors that were notified of their first lease.</summary>
        public ImmutableSortedSet<string> Notified { get; init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

        /// <summary>True where the last plan left out leases whose hash keys the first listing of the stream is to tell.</summary>
        public bool AreHashKeysAwaited { get; init; }

        /// <summary>
        /// Until when owners are asked for nothing, since the answer is awaited that tells what the table bears: many moves at once would
        /// cost leases on a small one.
        /// </summary>
        public TimeSpan LimitsBy { get; init; } = TimeSpan.MinValue;

        /// <summary>When all that is held is looked through next, for renewals that are due.</summary>
        public TimeSpan NextRound { get; init; }

        /// <summary>When it was last said that the table throttles.</summary>
        public TimeSpan? ThrottlesToldAt { get; init; }

        /// <summary>True once it was said that the budget is too small.</summary>
        public bool IsBudgetTold { get; init; }

        /// <summary>How many free leases nobody reads, since this worker has all that it may take; zero where that is not so.</summary>
        public int Unread { get; init; }

        /// <summary>The lineage that all rows bear or are to bear; null where there is no state, or while it is not known.</summary>
        public string? Lineage { get; init; }

        /// <summary>What was last told of the rows that are left alone for their state; null for nothing.</summary>
        public LeaseCommand.Tell.StateLeft? StateLeft { get; init; }

        /// <summary>Why nothing is taken and nothing created; null where nothing forbids it.</summary>
        public LeaseCommand.Tell.Block? Blocked { get; init; }
    }

    /// <summary>What is known of the stream, and of the leases that its shards ask for.</summary>
    public sealed record StreamView
    {
        /// <summary>When the stream was created, as far as is known.</summary>
        public DateTimeOffset? CreatedAt { get; init; }

        /// <summary>When it said so.</summary>
        public TimeSpan? DescribedAt { get; init; }

        /// <summary>True where a listing is asked for.</summary>
        public bool IsWanted { get; init; } = true;

        /// <summary>True where the next listing is to say when the stream was created.</summary>
        public bool WantsCreation { get; init; }

        /// <summary>When the listing under way began; null where none is.</summary>
        public TimeSpan? ListingSince { get; init; }

        /// <summary>The leases as they were read before the listing under way began: what it shows beyond them came later.</summary>
        public IReadOnlyList<Lease> LeasesBefore { get; init; } = [];

        /// <summary>When the stream was listed last, be it in vain.</summary>
        public TimeSpan? TriedAt { get; init; }

        /// <summary>When the leases followed the shards last.</summary>
        public TimeSpan FollowedAt { get; init; }

        /// <summary>True once the leases were what the shards ask for.</summary>
        public bool IsFollowed { get; init; }

        /// <summary>No listing begins before.</summary>
        public TimeSpan NotBefore { get; init; }

        /// <summary>Listings that failed in a row.</summary>
        public int Failures { get; init; }

        /// <summary>The leases that the last listing asks for and the table lacks: what is created of them is to be renewed too.</summary>
        public ImmutableArray<string> Missing { get; init; } = [];

        /// <summary>The listing that leases are created from; null where none are.</summary>
        public Creation? Creating { get; init; }

        /// <summary>Where each shard begins: a stream that was made again has shards of the same ids that begin elsewhere.</summary>
        public ImmutableSortedDictionary<string, SequenceNumber> Beginnings { get; init; } =
            ImmutableSortedDictionary.Create<string, SequenceNumber>(StringComparer.Ordinal);

        /// <summary>The hash keys of the shards, as listed: leases of KCL before 2.3 have none.</summary>
        public ImmutableSortedDictionary<string, HashKeyRange> HashKeys { get; init; } =
            ImmutableSortedDictionary.Create<string, HashKeyRange>(StringComparer.Ordinal);

        /// <summary>When this worker created which lease, so that LATEST is now for its first owner.</summary>
        public ImmutableSortedDictionary<string, TimeSpan> CreatedHere { get; init; } =
            ImmutableSortedDictionary.Create<string, TimeSpan>(StringComparer.Ordinal);

        /// <summary>Since when which lease is of no use.</summary>
        public ImmutableSortedDictionary<string, TimeSpan> UselessSince { get; init; } =
            ImmutableSortedDictionary.Create<string, TimeSpan>(StringComparer.Ordinal);

        /// <summary>Hash keys without an unfinished lease that the last listing explains, or was told of.</summary>
        public ImmutableArray<HashKeyRange> KnownHoles { get; init; } = [];

        /// <summary>Hash keys that nobody reads, by a listing that leases may have been ahead of.</summary>
        public ImmutableArray<HashKeyRange> SuspectedHoles { get; init; } = [];

        /// <summary>True once it was told that nobody reads some hash keys.</summary>
        public bool AreHolesTold { get; init; }

        /// <summary>True where the last listing left hash keys out.</summary>
        public bool IsIncomplete { get; init; }

        /// <summary>When finished leases are deleted next.</summary>
        public TimeSpan CleanUpAt { get; init; }
    }

    /// <summary>Leases that are created by a listing.</summary>
    /// <param name="Shards">The shards.</param>
    /// <param name="Begun">When the listing began.</param>
    /// <param name="AnsweredAt">When it was answered, by the service's clock.</param>
    /// <param name="LeasesBefore">The leases that were read before it.</param>
    /// <param name="ListAfter">A list that began since is needed to go on.</param>
    public sealed record Creation(
        ImmutableArray<LeasePlan.ShardNode> Shards, TimeSpan Begun, DateTimeOffset AnsweredAt, IReadOnlyList<Lease> LeasesBefore,
            TimeSpan ListAfter)
    {
        /// <summary>The missing leases that are created in this round; empty where the list has to tell first.</summary>
        public ImmutableList<Lease> Left { get; init; } = [];

        /// <summary>The request under way; null where none is.</summary>
        public long? Request { get; init; }

        /// <summary>The leases of that request.</summary>
        public ImmutableArray<Lease> Asked { get; init; } = [];

        /// <summary>How many were missing in the round before: a round that creates nothing is the last.</summary>
        public int Missing { get; init; } = int.MaxValue;

        /// <summary>True where the application starts for the first time.</summary>
        public bool IsFirstStart { get; init; }

        /// <summary>True where leases were read after the listing.</summary>
        public bool IsLate { get; init; }
    }

    /// <summary>Other processes that run with this worker's id.</summary>
    public sealed record WorkerIds
    {
        /// <summary>When the first list was taken in; null before.</summary>
        public TimeSpan? StartedAt { get; init; }

        /// <summary>The sessions under this worker's name in the first list: of its former selves, unless they live.</summary>
        public ImmutableSortedSet<string> Former { get; init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

        /// <summary>The processes that have taken leases from this one.</summary>
        public ImmutableSortedSet<string> Met { get; init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);
    }
}
