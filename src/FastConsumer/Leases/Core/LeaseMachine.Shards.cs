using System.Collections.Immutable;
using FastConsumer.Kinesis;
using FastConsumer.Operators;
using static FastConsumer.Leases.Core.LeaseTableState;

namespace FastConsumer.Leases.Core;

/// <content>
/// The lease table follows the stream's shards: leases that they ask for are created, those that nothing needs any more are deleted, and it
/// is watched that those that are not finished hold all hash keys, and that they are this stream's.
/// </content>
internal static partial class LeaseMachine
{
    /// <summary>Servers cut the time to milliseconds or seconds; no stream is deleted and created again in that time.</summary>
    private static readonly TimeSpan s_creationPrecision = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The service says its time in whole seconds: a start a moment too early repeats nothing that was done, one too late leaves records
    /// out.
    /// </summary>
    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_holeInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_firstStreamRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestStreamRetry = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_cleanUpInterval = TimeSpan.FromMinutes(1);

    /// <summary>
    /// A lease that is missing may be one that was deleted: what was listed longer ago than this says nothing of it. Much less than <see
    /// cref="s_deletionDelay"/>, so that whoever has read the stream or the table before a shard's last descendants came is not creating
    /// its lease any more when it is deleted.
    /// </summary>
    private static readonly TimeSpan s_listingLasts = TimeSpan.FromSeconds(20);

    /// <summary>Leases are deleted when they have been seen so long to be of no use.</summary>
    private static readonly TimeSpan s_deletionDelay = TimeSpan.FromSeconds(45);

    private const int MostDeleted = 25;
    private const int CreatedAtOnce = 16;

    private sealed partial class Turn
    {
        private bool IsDescribed => _stream.DescribedAt is { } at && (_now - at < s_listingLasts || IsOff(Rules.FreshListing));

        private List<Lease> Rows() => [.. _leases.Values.Select(static entry => entry.Row)];

        private TimeSpan NextStreamAt
        {
            get
            {
                if (_mode != Mode.Running || _scan.ListedAt is null)
                {
                    return TimeSpan.MaxValue;
                }

                if (_stream.ListingSince is { } since)
                {
                    return since + s_listingLasts + s_clockTolerance;
                }

                if (_stream.Creating is { } creating)
                {
                    return creating.Request is { } number && _requests.TryGetValue(number, out Request? request)
                        ? request.At + s_longestRead
                        : creating.Left.IsEmpty ? Max(creating.ListAfter, creating.Begun + (2 * s_listingLasts)) : TimeSpan.MinValue;
                }

                bool isBlocked = _scan.Blocked is not null && !_stream.WantsCreation;
                TimeSpan due = isBlocked ? TimeSpan.MaxValue
                    : _stream.IsWanted || _leases.Count == 0 ? TimeSpan.MinValue
                    : _stream.FollowedAt + _settings.ShardSyncInterval;
                return Max(due, _stream.NotBefore);
            }
        }

        /// <summary>Begins what the stream or its leases ask for.</summary>
        private void FollowStream()
        {
            if (NextStreamAt > _now)
            {
                return;
            }

            if (_stream.ListingSince is not null)
            {
                StreamFailed(error: null);
            }
            else if (_stream.Creating is not { } creating)
            {
                // a stream that is known of late need not be asked again
                bool withCreation = _stream.WantsCreation && !IsDescribed;
                _stream = _stream with
                {
                    ListingSince = _now,
                    TriedAt = _now,
                    IsWanted = false,
                    WantsCreation = false,
                    LeasesBefore = Rows(),
                };
                Do(new LeaseCommand.ListStream(withCreation));
            }
            else if (creating.Request is { } request)
            {
                Abandon(request);
                StreamFailed(error: null);
            }
            else if (creating.Left.IsEmpty)
            {
                // the list that was to tell has not come
                StreamFailed(error: null);
            }
            else
            {
                CreateSome(creating);
            }
        }

        /// <summary>The stream cannot be listed, or leases cannot be created. What is held goes on, and moves.</summary>
        private void StreamFailed(Exception? error)
        {
            TimeSpan wait = IsThrottle(error) ? s_firstStreamRetry : Backoff(s_firstStreamRetry, s_longestStreamRetry, _stream.Failures);
            _stream = _stream with
            {
                ListingSince = null,
                Creating = null,
                IsWanted = true,
                Failures = _stream.Failures + 1,
                NotBefore = _now + wait,
            };
            Do(new LeaseCommand.Tell.StreamFailed(error, wait));
            TakeWhatAwaitedHashKeys();
        }

        /// <summary>After a list: whether the leases leave hash keys out, so that the stream is to be listed.</summary>
        private void StreamIsDue()
        {
            if (!_stream.IsWanted && !(_stream.TriedAt is { } tried && _now - tried < s_holeInterval)
                && !HolesOf([]).SequenceEqual(_stream.KnownHoles))
            {
                _stream = _stream with { IsWanted = true };
            }
        }

        private void StreamListed(LeaseEvent.StreamListed listed)
        {
            if (_stream.ListingSince is null || _mode != Mode.Running)
            {
                return;
            }

            IReadOnlyList<Lease> before = _stream.LeasesBefore;
            _stream = _stream with { ListingSince = null, LeasesBefore = [] };
            if (listed.Shards is not { } shards)
            {
                // it may have been deleted, and made again
                bool isGone = listed.Error is KinesisException { Kind: KinesisErrorKind.NotFound };
                _stream = isGone ? _stream with { WantsCreation = true, DescribedAt = null } : _stream;
                StreamFailed(listed.Error);
                return;
            }

            if (listed.CreatedAt is { } createdAt)
            {
                _stream = _stream with { CreatedAt = createdAt, DescribedAt = listed.Begun };
                FindBlock();
            }

            bool isAnother = shards.Any(shard => _stream.Beginnings.TryGetValue(shard.ShardId, out SequenceNumber begun)
                && begun != shard.StartingSequenceNumber);
            if (isAnother && listed.CreatedAt is null)
            {
                // shards of the same ids that begin elsewhere: the stream has to say whether it was made again
                _stream = _stream with { IsWanted = true, WantsCreation = true, DescribedAt = null };
                return;
            }

            IReadOnlyList<HashKeyRange> unlisted =
                HashKeyRanges.Holes(shards.Where(static shard => shard.EndingSequenceNumber is null)
                    .Select(static shard => shard.HashKeyRange));
            TellListing(unlisted);
            // what a listing with holes left out is as it was told before
            ImmutableSortedDictionary<string, HashKeyRange> known = unlisted.Count > 0 ? _stream.HashKeys : _stream.HashKeys.Clear();
            _stream = _stream with
            {
                HashKeys = known.SetItems(shards.Select(static shard => KeyValuePair.Create(shard.ShardId, shard.HashKeyRange))),
            };
            TakeWhatAwaitedHashKeys();
            if (unlisted.Count > 0)
            {
                // caught in the middle of a reshard: what follows from it would be wrong
                _stream = _stream with { IsWanted = true, NotBefore = _now + s_firstStreamRetry };
                return;
            }

            Followable(listed, shards, before);
        }

        private void TellListing(IReadOnlyList<HashKeyRange> unlisted)
        {
            if (unlisted.Count > 0 || _stream.IsIncomplete)
            {
                Do(new LeaseCommand.Tell.ListingIncomplete(unlisted, IsOver: unlisted.Count == 0));
            }

            _stream = _stream with { IsIncomplete = unlisted.Count > 0 };
        }

        /// <summary>The listing is whole: what it says of leases.</summary>
        private void Followable(LeaseEvent.StreamListed listed, IReadOnlyList<Shard> shards, IReadOnlyList<Lease> before)
        {
            ImmutableArray<LeasePlan.ShardNode> nodes =
            [
                .. shards.Select(LeasePlan.ShardNode.Of),
            ];
            _stream = _stream with
            {
                Beginnings = shards.ToImmutableSortedDictionary(
                    static shard => shard.ShardId, static shard => shard.StartingSequenceNumber, StringComparer.Ordinal),
            };

            // by leases that were read before: what they say of shards that came after the listing would mislead
            IReadOnlyList<Lease> useless = LeasePlan.Removable(nodes, before, keepsParents: !IsOff(Rules.ParentsStay));
            _stream = _stream with
            {
                UselessSince = useless.ToImmutableSortedDictionary(
                    static lease => lease.LeaseKey,
                    lease => _stream.UselessSince.TryGetValue(lease.LeaseKey, out TimeSpan since) ? since : _now,
                    StringComparer.Ordinal),
            };
            var creating = new Creation(nodes, listed.Begun, listed.AnsweredAt, before, _now);
            IReadOnlyList<Lease> missing = Missing(creating);
            _stream = _stream with { Missing = [.. missing.Select(static lease => lease.LeaseKey)] };
            SetShare();
            if (missing.Count == 0)
            {
                Followed(creating);
            }
            else if (_scan.Blocked is null && !IsDescribed)
            {
                // nothing is created for a stream that is not known to be the one of the leases
                _stream = _stream with { IsWanted = true, WantsCreation = true };
            }
            else if (_scan.Blocked is null)
            {
                // created is only what is missing beyond doubt
                _stream = _stream with { Creating = creating with { IsLate = true } };
                _scan = _scan with { IsStrongWanted = true };
            }
        }

        private IReadOnlyList<Lease> Missing(Creation creating) => LeasePlan.Missing(
            creating.Shards,
            Rows(),
            _settings.Start,
            _settings.Start.Kind == CheckpointKind.AtTimestamp ? _settings.StartTimestamp!.Value : creating.AnsweredAt - s_clockTolerance);

        private bool IsFresh(Creation creating) => IsOff(Rules.FreshListing) || _now - creating.Begun < s_listingLasts;

        /// <summary>A list has come: what is missing by now.</summary>
        private void CreationListed(bool isStrong, TimeSpan begun)
        {
            if (_stream.Creating is not { Request: null, Left.IsEmpty: true } creating || !isStrong || begun < creating.ListAfter)
            {
                return;
            }

            IReadOnlyList<Lease> missing = Missing(creating);
            if (missing.Count == 0 || missing.Count >= creating.Missing)
            {
                Followed(creating);
                return;
            }

            if (!IsFresh(creating) || !IsDescribed || _scan.Blocked is not null)
            {
                _stream = _stream with { Creating = null, IsWanted = true, WantsCreation = true };
                return;
            }

            // a child's lease says that the application was through with its parents, so it is created when theirs are there
            HashSet<string> keys = [.. missing.Select(static lease => lease.LeaseKey)];
            bool isFirstStart = creating.Missing == int.MaxValue
                ? !_leases.Values.Any(static entry => entry.Row.FirstStart is not null)
                : creating.IsFirstStart;
            _stream = _stream with
            {
                Creating = creating with
                {
                    // each worker in an order of its own, so that those that start together do not all write the same ones
                    Left = [.. _chance.Shuffled(missing.Where(lease => !lease.ParentShardIds.Any(keys.Contains)))],
                    Missing = missing.Count,
                    IsFirstStart = isFirstStart,
                },
            };
        }

        private void CreateSome(Creation creating)
        {
            if (!IsFresh(creating))
            {
                _stream = _stream with { Creating = null, IsWanted = true, WantsCreation = true };
                return;
            }

            ImmutableArray<Lease> some =
            [
                .. Creatable(creating.Left).Take(CreatedAtOnce)
                    .Select(lease => lease with
                    {
                        StreamCreatedAt = _stream.CreatedAt,
                        StreamName = _settings.StreamName,
                        Paused = PauseOfAll(lease),
                    })
                    .Select(WithState),
            ];
            if (some.IsEmpty)
            {
                // the lineage has to be known first: what is missing is looked for again
                _stream = _stream with { Creating = null, IsWanted = true, NotBefore = _now + s_firstStreamRetry };
                _scan = _scan with { IsStrongWanted = true };
                return;
            }

            foreach (Lease lease in some)
            {
                Require(
                    !lease.ParentShardIds.Any(parent => Find(parent) is { } known && !(known.Row.IsFinished && known.Row.Problem is null))
                        || IsOff(Rules.ParentsFirst),
                    "no creation before all leased parents are finished", lease.LeaseKey, "A parent is not.");
            }

            long request = _nextRequest++;
            _requests = _requests.Add(request,
                new Request(RequestKind.Create, [.. some.Select(static lease => new Due(TimeSpan.Zero, lease.LeaseKey))], _now));
            _stream = _stream with
            {
                Creating = creating with
                {
                    // without a lineage a list has to tell whose row came first
                    Left = IsLineageSettled ? creating.Left.RemoveAll(IsAsked) : [],
                    Request = request,
                    Asked = some,
                },
            };
            Do(new LeaseCommand.Create(request, some)
            {
                WhileThere = some.Where(static lease => lease.Lineage is not null && lease.ParentShardIds.Count > 0).ToDictionary(
                    static lease => lease.LeaseKey,
                    IReadOnlyList<string> (lease) => [.. lease.ParentShardIds.Where(parent => Find(parent) is not null)],
                    StringComparer.Ordinal),
            });

            bool IsAsked(Lease lease) => some.Any(asked => asked.LeaseKey == lease.LeaseKey);
        }

        /// <summary>A pause of all shards, which holds for those that are made from them too.</summary>
        private string? PauseOfAll(Lease lease) => lease.ParentShardIds
            .Select(parent => Find(parent)?.Row.Paused)
            .FirstOrDefault(static text => OperatorNotes.ReadPause(text) is { IsOfAll: true });

        private void CreateAnswered(long number, TimeSpan begun, IReadOnlyList<LeaseWrite.Result> results)
        {
            if (_stream.Creating is not { } creating || creating.Request != number)
            {
                return;
            }

            int others = 0;
            Exception? error = null;
            bool isFailed = false;
            for (int i = 0; i < results.Count && i < creating.Asked.Length; i++)
            {
                Lease lease = creating.Asked[i];
                switch (results[i].Outcome)
                {
                    case LeaseWrite.Outcome.Written:
                        Do(new LeaseCommand.Tell.Created(lease.LeaseKey, lease.Checkpoint));
                        _stream = creating.IsFirstStart
                            ? _stream with { CreatedHere = _stream.CreatedHere.SetItem(lease.LeaseKey, begun) }
                            : _stream;
                        break;
                    case LeaseWrite.Outcome.Refused:
                        others++;
                        break;
                    default:
                        error ??= results[i].Error;
                        isFailed = true;
                        break;
                }
            }

            if (isFailed)
            {
                StreamFailed(error);
                return;
            }

            // Others have created most of what this worker reaches for: the list tells what they leave. It costs more than some creations
            // that are refused.
            ImmutableList<Lease> left = others > CreatedAtOnce / 2 ? [] : creating.Left;
            _stream = _stream with { Creating = creating with { Left = left, Request = null, Asked = [], ListAfter = _now } };
            if (left.IsEmpty)
            {
                _scan = _scan with { IsStrongWanted = true };
            }
        }

        /// <summary>The leases are what the shards ask for.</summary>
        private void Followed(Creation creating)
        {
            if (_stream.Failures > 0)
            {
                Do(new LeaseCommand.Tell.StreamFailed(Error: null, TimeSpan.Zero, IsOver: true));
            }

            if (!_stream.IsFollowed)
            {
                Do(new LeaseCommand.Tell.ShardsFound([.. _leases.Values.Select(entry => Corrected(entry.Row))]));
            }

            _stream = _stream with { Creating = null, IsFollowed = true, FollowedAt = _now, Failures = 0, NotBefore = TimeSpan.MinValue };
            TellHoles(creating);
            CleanUp();
        }

        /// <summary>
        /// The listing's word comes first: leases of KCL before 2.3 have no range, and a table may be older than its stream.
        /// </summary>
        private HashKeyRange? HashKeysOf(Entry entry) => _stream.HashKeys.GetValueOrDefault(entry.Key) ?? entry.Row.HashKeyRange;

        /// <summary>
        /// True where only the first listing, which is under way, can tell the range of hash keys. A reader that started without it would
        /// deliver records of other shards. A listing that fails holds up no lease.
        /// </summary>
        private bool AreHashKeysAwaited(Entry entry) =>
            _settings.AwaitsHashKeys && _stream is { HashKeys.IsEmpty: true, Failures: 0 } && entry.Row.HashKeyRange is null;

        /// <summary>A listing has told hash keys, or has failed: leases that waited for it may be taken.</summary>
        private void TakeWhatAwaitedHashKeys()
        {
            if (_scan.AreHashKeysAwaited && !_leases.Values.Any(AreHashKeysAwaited) && _mode == Mode.Running)
            {
                Balance();
            }
        }

        /// <summary>
        /// The hash keys of no unfinished lease and of no shard that waits for one; none where a lease's range is not known.
        /// </summary>
        private IReadOnlyList<HashKeyRange> HolesOf(IReadOnlyList<LeasePlan.ShardNode> nodes)
        {
            List<HashKeyRange> ranges = [];
            foreach (Entry entry in _leases.Values.Where(static entry => !entry.Row.IsFinished || entry.Row.Problem is not null))
            {
                if (HashKeysOf(entry) is not { } range)
                {
                    return [];
                }

                ranges.Add(range);
            }

            return HashKeyRanges.Holes(
                ranges.Concat(nodes.Count == 0 ? [] : LeasePlan.Waiting(nodes, Rows()).Select(static shard => shard.HashKeyRange)));
        }

        private void TellHoles(Creation creating)
        {
            // what is a hole for now only, because a shard's other parent is not done, asks for no further listing
            ImmutableArray<HashKeyRange> holes = [.. HolesOf(creating.Shards)];
            bool isLate = creating.IsLate;
            bool wasTold = _stream.AreHolesTold;
            _stream = _stream with { KnownHoles = [.. HolesOf([])] };
            if (holes.IsEmpty)
            {
                _stream = _stream with { SuspectedHoles = [], AreHolesTold = false };
                if (wasTold)
                {
                    Do(new LeaseCommand.Tell.HashKeysUnread([], IsOver: true));
                }
            }
            else if (isLate && !holes.SequenceEqual(_stream.SuspectedHoles))
            {
                // leases that were read after the listing may be ahead of it
                _stream = _stream with { SuspectedHoles = holes, IsWanted = true, NotBefore = _now + s_firstStreamRetry };
            }
            else
            {
                _stream = _stream with { AreHolesTold = true };
                Do(new LeaseCommand.Tell.HashKeysUnread(holes));
            }
        }

        /// <summary>Deletes leases that have long been of no use. One worker is enough: the one whose lease comes first.</summary>
        private void CleanUp()
        {
            if (_now < _stream.CleanUpAt)
            {
                return;
            }

            _stream = _stream with { CleanUpAt = _now + (s_cleanUpInterval * (0.75 + (_chance.NextDouble() / 2))) };
            Entry? first = _leases.Values.FirstOrDefault(static entry =>
                entry.Row is { Problem: null, IsFinished: false, Owner: not null });
            if (first?.IsHeld != true || _scan.Blocked is not null)
            {
                return;
            }

            // KCL leaves the owner where it is, and so does a worker that dies before its release
            List<Lease> useless = [.. _stream.UselessSince
                .Where(pair => _now - pair.Value >= s_deletionDelay)
                .Select(pair => Find(pair.Key))
                .OfType<Entry>()
                .Where(entry => entry.Hold is Hold.NotHeld && entry.Row.IsFinished && IsFree(entry))
                .Take(MostDeleted)
                .Select(static entry => entry.Row)];
            if (useless.Count > 0)
            {
                Do(new LeaseCommand.Delete(useless));
                Do(new LeaseCommand.Tell.Deleting([.. useless.Select(static lease => lease.LeaseKey)]));
            }
        }

        /// <summary>
        /// Whether the leases are those of this stream. The shards of another one, and of one that was deleted and created again under the
        /// same name, have the same ids, so that those leases would be taken for this stream's, and the positions in them mean nothing.
        /// </summary>
        private void FindBlock()
        {
            // KCL's key for applications of several streams: account:stream:epoch:shard. A shard's id has no colon
            Lease? several = Rows().Find(static row => row.LeaseKey.Contains(':', StringComparison.Ordinal));
            Lease? another = Rows().Find(row => row.StreamName is { } name && name != _settings.StreamName);
            Lease? again = _stream.CreatedAt is { } createdAt
                ? Rows().Find(row => row.StreamCreatedAt is { } then && (then - createdAt).Duration() > s_creationPrecision)
                : null;
            List<Lease> lineages = KeepsState
                ? [.. Rows().Where(static row => row.HasState).DistinctBy(static row => row.TableLineage)]
                : [];
            if (again is not null && !IsDescribed)
            {
                // others may know better which stream it is
                _stream = _stream with { IsWanted = true, WantsCreation = true };
            }

            Lease? restore = Rows().Find(static row => row.LeaseKey == Lease.Names.RestoreKey);
            Block(restore is not null
                ? new LeaseCommand.Tell.Block(
                    LeaseCommand.Tell.Block.Reason.RestoreUnderWay, restore.LeaseKey, restore.StreamName, null)
                : several is not null
                ? new LeaseCommand.Tell.Block(LeaseCommand.Tell.Block.Reason.SeveralStreams, several.LeaseKey, null, null)
                : another is not null
                    ? new LeaseCommand.Tell.Block(LeaseCommand.Tell.Block.Reason.AnotherStream, another.LeaseKey, another.StreamName,
                        _settings.StreamName)
                : lineages.Count > 1
                    ? new LeaseCommand.Tell.Block(LeaseCommand.Tell.Block.Reason.SeveralLineages, lineages[1].LeaseKey,
                        lineages[1].TableLineage, lineages[0].TableLineage)
                : again is not null
                    ? new LeaseCommand.Tell.Block(LeaseCommand.Tell.Block.Reason.StreamMadeAgain, again.LeaseKey,
                        Text(again.StreamCreatedAt), Text(_stream.CreatedAt))
                : null);

            static string? Text(DateTimeOffset? time) =>
                time?.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture);
        }
    }
}
