using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Operators;
using static FastConsumer.Leases.Core.LeasePlan;
using LeasePlan = FastConsumer.Leases.Core.LeasePlan;
using ShardNode = FastConsumer.Leases.Core.LeasePlan.ShardNode;

namespace FastConsumer.Tests.Leases.Core;

public sealed class LeasePlanCoreTests
{
    private static readonly DateTimeOffset s_epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_shard_whose_descendant_is_leased_was_done_before()
    {
        // KCL deletes the leases of finished shards while the shards are still listed
        ShardNode[] shards = [Node("0", closed: true), Node("1", closed: true, "0"), Node("2", closed: false, "0"),
            Node("3", closed: false, "1")];
        Lease[] leases = [Leased("2", "0"), Leased("3", "1")];
        Assert.Empty(LeasePlan.Missing(shards, leases, CheckpointPosition.TrimHorizon, s_epoch));
    }

    [Fact]
    public void A_child_waits_for_both_parents()
    {
        ShardNode[] shards = [Node("0", closed: true), Node("1", closed: true), Node("2", closed: false, "0", "1")];
        Lease done = Leased("0") with { Checkpoint = CheckpointPosition.ShardEnd };
        Assert.Empty(LeasePlan.Missing(shards, [done, Leased("1")], CheckpointPosition.TrimHorizon, s_epoch));
        Lease child = Assert.Single(LeasePlan.Missing(shards, [done, Leased("1") with { Checkpoint = CheckpointPosition.ShardEnd }],
            CheckpointPosition.TrimHorizon, s_epoch));
        Assert.Equal(("2", CheckpointPosition.TrimHorizon), (child.LeaseKey, child.Checkpoint));
        Assert.Equal(["0", "1"], child.ParentShardIds);
    }

    [Fact]
    public void A_lease_runs_after_its_leased_parents_only()
    {
        Lease[] leases = [Leased("0"), Leased("1", "0"), Leased("2", "9"), Leased("3") with { Checkpoint = CheckpointPosition.ShardEnd },
            Leased("4", "3")];
        Assert.Equal(["0", "2", "4"], LeasePlan.Runnable(leases).Select(static lease => lease.LeaseKey));
    }

    [Fact]
    public void A_finished_lease_goes_when_all_its_children_have_begun()
    {
        ShardNode[] shards = [Node("0", closed: true), Node("1", closed: false, "0"), Node("2", closed: false, "0")];
        Lease done = Leased("0") with { Checkpoint = CheckpointPosition.ShardEnd };
        Lease begun = Leased("1", "0") with { Checkpoint = CheckpointPosition.Parse("7") };
        Assert.Empty(LeasePlan.Removable(shards, [done]));
        Assert.Empty(LeasePlan.Removable(shards, [done, begun]));
        Assert.Empty(LeasePlan.Removable(shards, [done, begun, Leased("2", "0")]));
        Lease[] leases = [done, begun, Leased("2", "0") with { Checkpoint = CheckpointPosition.Parse("8") }];
        Assert.Equal(["0"], LeasePlan.Removable(shards, leases).Select(static lease => lease.LeaseKey));
        Assert.Empty(LeasePlan.Missing(shards, leases[1..], CheckpointPosition.TrimHorizon, s_epoch));
        Assert.Empty(LeasePlan.Missing(shards, leases[1..], CheckpointPosition.Latest, s_epoch));
        // a shard that is listed and has no children yet is needed: they are to come
        Assert.Empty(LeasePlan.Removable([Node("0", closed: true)], [done]));
        // and one that is gone with all that came of it is not
        Assert.Single(LeasePlan.Removable([Node("5", closed: false)], [done, Leased("5")]));
        // its child is named, listed, and not leased: it is to start after this one
        Assert.Empty(LeasePlan.Removable([Node("6", closed: false)], [done with { ChildShardIds = ["6"] }]));
        // its child is named and not listed, while it is: the listing is older than the child
        Assert.Empty(LeasePlan.Removable([Node("0", closed: false)], [done with { ChildShardIds = ["6"] }]));
    }

    [Fact]
    public void Holes_are_found_wherever_they_are()
    {
        static HashKeyRange Range(int from, int to) => new((UInt128)from, (UInt128)to);
        var rest = new HashKeyRange(100, UInt128.MaxValue);
        Assert.Empty(HashKeyRanges.Holes([rest, Range(0, 50), Range(20, 99)]));
        Assert.Equal([Range(0, 9), Range(31, 39)], HashKeyRanges.Holes([Range(10, 30), Range(40, 99), rest, Range(12, 14)]));
        Assert.Equal([new HashKeyRange(51, UInt128.MaxValue)], HashKeyRanges.Holes([Range(0, 50)]));
        Assert.Equal([new HashKeyRange(0, UInt128.MaxValue)], HashKeyRanges.Holes([]));
    }

    [Fact]
    public void A_merged_shard_waits_for_its_other_parent()
    {
        ShardNode[] shards = [Node("0", closed: true), Node("1", closed: true), Node("2", closed: true, "0", "1"),
            Node("3", closed: false, "2")];
        Lease done = Leased("0") with { Checkpoint = CheckpointPosition.ShardEnd };
        Assert.Equal(["2", "3"], LeasePlan.Waiting(shards, [done, Leased("1")]).Select(static shard => shard.ShardId));
        Assert.Empty(LeasePlan.Waiting(shards, [done, Leased("1") with { Checkpoint = CheckpointPosition.ShardEnd }]));
    }

    [Fact]
    public void What_is_short_is_asked_for_at_once_and_given_by_who_has_most()
    {
        Lease[] leases = [.. Ours("a", 6, 0), .. Ours("b", 3, 100)];
        LeasePlan.Moves moves = MovesOf(leases, "me", new Chance(1));
        Assert.Empty(moves.Take);
        Assert.Equal(3, moves.Request.Count);
        Assert.All(moves.Request, static lease => Assert.Equal("a", lease.LeaseOwner));

        // what is under way is not asked for again, neither by who asked nor by another
        leases = [.. leases.Select(lease => moves.Request.Contains(lease) ? lease with { RequestedBy = "me" } : lease)];
        Assert.Empty(MovesOf(leases, "me", new Chance(2)).Request);
        LeasePlan.Moves another = MovesOf(leases, "other", new Chance(3));
        Assert.DoesNotContain(another.Request, static lease => lease.RequestedBy is not null);
        Assert.InRange(another.Request.Count, 1, 2);

        // what was given is taken, whatever the share
        leases = [.. leases.Select(static lease => lease.RequestedBy is null ? lease
            : lease with { LeaseOwner = "me", RequestedBy = null })];
        Assert.Equal(3, MovesOf(leases, "me", new Chance(4)).Take.Count);
        Assert.Empty(MovesOf(leases, "a", new Chance(4)).Take);
    }

    [Fact]
    public void Who_does_not_answer_is_stolen_from_one_by_one()
    {
        Lease[] leases = [.. Ours("a", 6, 0).Select(static (lease, i) => i < 3 ? lease with { RequestedBy = "me" } : lease)];
        var view = new LeasePlan.View("me", static _ => false, static lease => lease.Owner is null)
        {
            IsOverdue = static lease =>
            lease.RequestedBy == "me"
        };
        Assert.Equal("me", Assert.Single(LeasePlan.Balance(leases, view, new Chance(1)).Take).RequestedBy);
    }

    [Fact]
    public void The_only_lease_of_a_worker_that_waits_for_others_is_not_stolen()
    {
        Lease[] leases = [.. Ours("a", 1, 0).Select(static lease => lease with { RequestedBy = "me" }), .. Ours("b", 2, 100)
            .Select(static (lease, i) => i == 0 ? lease with { RequestedBy = "a" } : lease)];
        var view = new LeasePlan.View("me", static _ => false, static lease => lease.Owner is null)
        {
            IsOverdue = static lease =>
            lease.RequestedBy == "me"
        };
        LeasePlan.Moves moves = LeasePlan.Balance(leases, view, new Chance(1));
        Assert.Empty(moves.Take);
        Assert.Empty(moves.Withdraw);
    }

    [Fact]
    public void What_would_level_nothing_out_any_more_is_asked_for_no_longer()
    {
        // "a" had three when two of them were asked for; one has come by another way since, and "a" has lost one
        Lease[] leases = [.. Ours("me", 1, 0), .. Ours("a", 1, 100).Select(static lease => lease with { RequestedBy = "me" })];
        var view = new LeasePlan.View("me", static lease => lease.LeaseOwner == "me", static lease =>
            lease.Owner is null)
        { IsOverdue = static _ => true };
        LeasePlan.Moves moves = LeasePlan.Balance(leases, view, new Chance(1));
        Assert.Empty(moves.Take);
        Assert.Equal("a", Assert.Single(moves.Withdraw).LeaseOwner);

        // with three it gives one, still
        leases = [.. leases, .. Ours("a", 2, 101)];
        moves = LeasePlan.Balance(leases, view, new Chance(1));
        Assert.Empty(moves.Withdraw);
        Assert.Single(moves.Take);
    }

    [Fact]
    public void Any_number_of_workers_that_ask_come_to_rest_at_fair_shares()
    {
        for (int seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            string[] workers = [.. Enumerable.Range(0, random.Next(1, 8)).Select(static i => $"worker-{i}")];
            Lease[] leases = [.. Ours("worker-0", random.Next(1, 60), 0)];
            int moved = 0;
            int quiet = 0;
            for (int round = 0; quiet < 3 * workers.Length && round < 1000; round++)
            {
                string me = workers[round % workers.Length];
                var view = new LeasePlan.View(me, lease => lease.IsHeldByFastConsumer
                    && lease.LeaseOwner == me, static lease => lease.Owner is null);
                LeasePlan.Moves moves = LeasePlan.Balance(leases, view, new Chance((ulong)random.NextInt64()));
                // it hands over what it was asked for, takes, and asks
                bool acts = moves.Take.Count + moves.Request.Count + leases.Count(lease => lease.LeaseOwner == me
                    && lease.RequestedBy is not null) > 0;
                moved += moves.Take.Count;
                Assert.Empty(moves.Withdraw);
                leases = [.. leases.Select(lease =>
                    lease.LeaseOwner == me && lease.RequestedBy is { } next ? lease with { LeaseOwner = next, RequestedBy = null }
                    : moves.Take.Contains(lease) ? lease with { LeaseOwner = me, TakenBy = me, RequestedBy = null }
                    : moves.Request.Contains(lease) ? lease with { RequestedBy = me }
                    : lease)];
                quiet = acts ? 0 : quiet + 1;
            }

            int[] held = [.. workers.Select(worker => leases.Count(lease => lease.LeaseOwner == worker))];
            Assert.Equal(leases.Length, held.Sum());
            Assert.True(held.Max() - held.Min() <= 1, $"seed {seed}: {string.Join(' ', held)}");
            Assert.True(moved <= leases.Length * 2, $"seed {seed}: {moved} moves for {leases.Length} leases");
        }
    }

    [Fact]
    public void By_weight_the_heavy_do_not_go_to_and_fro()
    {
        Lease[] leases = [.. Ours("a", 4, 0)
            .Select(static (lease, i) => lease with { Throughput = i == 0 ? 900 : 100 }), .. Ours("b", 4, 100)
                .Select(static lease => lease with { Throughput = 100 })];
        static LeasePlan.View ViewOf(string me) =>
            new(me, lease => lease.LeaseOwner == me, static lease => lease.Owner is null)
            {
                Weigh = static lease =>
                lease.Throughput!.Value,
                Slack = 0.1
            };
        // 1200 to 400: moving the heavy one would only turn it round
        LeasePlan.Moves moves = LeasePlan.Balance(leases, ViewOf("b"), new Chance(1));
        Assert.Equal(3, moves.Request.Count);
        Assert.All(moves.Request, static lease => Assert.Equal(100, lease.Throughput));
        leases = [.. leases.Select(lease => moves.Request.Contains(lease) ? lease with { LeaseOwner = "b", TakenBy = "b" } : lease)];
        Assert.Empty(LeasePlan.Balance(leases, ViewOf("a"), new Chance(1)).Request);
        Assert.Empty(LeasePlan.Balance(leases, ViewOf("b"), new Chance(1)).Request);
    }

    [Fact]
    public void By_weight_the_heavy_move_where_that_levels_out_most()
    {
        // 860 to 80: with one of the heavy there, 450 to 490
        Lease[] leases = [
            .. Ours("a", 4, 0).Select(static (lease, i) => lease with { Throughput = i < 2 ? 410 : 20 }),
            .. Ours("b", 4, 100).Select(static lease => lease with { Throughput = 20 })];
        static LeasePlan.View ViewOf(string me) =>
            new(me, lease => lease.LeaseOwner == me, static lease => lease.Owner is null)
            {
                Weigh = static lease =>
                lease.Throughput!.Value,
                Slack = 0.1
            };
        LeasePlan.Moves moves = LeasePlan.Balance(leases, ViewOf("b"), new Chance(1));
        Assert.Equal(410, Assert.Single(moves.Request).Throughput);
        leases = [.. leases.Select(lease => moves.Request.Contains(lease) ? lease with { LeaseOwner = "b", TakenBy = "b" } : lease)];
        Assert.Empty(LeasePlan.Balance(leases, ViewOf("a"), new Chance(1)).Request);
        Assert.Empty(LeasePlan.Balance(leases, ViewOf("b"), new Chance(1)).Request);
    }

    [Fact]
    public void Any_weights_come_to_rest_with_no_move_left_that_would_level_out()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            string[] workers = [.. Enumerable.Range(0, random.Next(2, 6)).Select(static i => $"worker-{i}")];
            Lease[] leases = [.. Enumerable.Range(0, random.Next(5, 40)).Select(i => new Lease
            {
                LeaseKey = $"shard-{i:D3}",
                LeaseOwner = workers[random.Next(workers.Length)],
                Throughput = Math.Round(10 + (1000 * Math.Pow(random.NextDouble(), 4))),
            })];
            leases = [.. leases.Select(static lease => lease with { TakenBy = lease.LeaseOwner })];
            int quiet = 0;
            for ((int moved, int turn) = (0, 0); quiet < workers.Length; quiet++, turn++)
            {
                string me = workers[turn % workers.Length];
                var view = new LeasePlan.View(me, lease => lease.LeaseOwner == me, static lease =>
                    lease.Owner is null)
                { Weigh = static lease => lease.Throughput!.Value, Slack = 0.1 };
                IReadOnlyList<Lease> wanted = LeasePlan.Balance(leases, view, new Chance((ulong)random.NextInt64())).Request;
                leases = [.. leases.Select(lease => wanted.Contains(lease) ? lease with { LeaseOwner = me, TakenBy = me } : lease)];
                quiet = wanted.Count > 0 ? -1 : quiet;
                moved += wanted.Count;
                Assert.True(moved <= 3 * leases.Length, $"seed {seed}: {moved} moves for {leases.Length} leases");
            }

            Dictionary<string, double> loads = workers.ToDictionary(static worker => worker, worker => leases
                .Where(lease => lease.LeaseOwner == worker).Sum(static lease => lease.Throughput!.Value));
            double share = loads.Values.Average();
            Lease smallest = leases.Where(lease => loads[lease.LeaseOwner!] == loads.Values.Max()).MinBy(static lease => lease.Throughput)!;
            Assert.True(loads.Values.Max() - loads.Values.Min() <= smallest.Throughput + (0.1 * share),
                $"seed {seed}: {string.Join(' ', loads.Values)}");
        }
    }

    [Fact]
    public void A_shard_made_from_others_is_expected_to_yield_its_part_of_them()
    {
        Lease parent = new() { LeaseKey = "parent", Checkpoint = CheckpointPosition.ShardEnd, Throughput = 800 };
        Lease other = new() { LeaseKey = "other", Checkpoint = CheckpointPosition.ShardEnd, Throughput = 100 };
        Lease unknown = new() { LeaseKey = "unknown" };
        Lease left = new() { LeaseKey = "left", ParentShardIds = ["parent"] };
        Lease right = new() { LeaseKey = "right", ParentShardIds = ["parent"], Throughput = 90 };
        Lease merged = new() { LeaseKey = "merged", ParentShardIds = ["parent", "other"] };
        Lease ofUnknown = new() { LeaseKey = "of-unknown", ParentShardIds = ["unknown", "other"] };
        Lease cold = new() { LeaseKey = "cold", Throughput = 10 };
        Func<Lease, double> throughput = LeasePlan.Throughputs([parent, other, unknown, left, right, merged, ofUnknown, cold]);
        Assert.Equal(800 / 3.0, throughput(left), 0.01);
        Assert.Equal(90, throughput(right));
        Assert.Equal((800 / 3.0) + 50, throughput(merged), 0.01);
        // the average of those that run and are known
        Assert.Equal(50, throughput(unknown));
        Assert.Equal(50, throughput(ofUnknown));
        Assert.Equal(10, throughput(cold));
    }

    [Theory]
    [InlineData(10, 0, 10, 0, 10)]
    [InlineData(10, 5, 0, 5, 0)]
    [InlineData(10, 0, 5, 5, 5)]
    [InlineData(3, 1, 1, 1, 1)]
    public void Free_leases_are_taken_up_to_the_fair_share(int all, int mine, int free, int others, int expected)
    {
        Assert.Equal(all, mine + free + others);
        Lease[] leases = [.. Owned("me", mine, 0), .. Owned(null, free, 100), .. Owned("other", others, 200)];
        Assert.Equal(expected, MovesOf(leases, "me", new Chance(1)).Take.Count);
    }

    [Theory]
    [InlineData(1, 3, 1)]
    [InlineData(2, 3, 0)]
    [InlineData(0, 1, 0)]
    [InlineData(0, 2, 1)]
    public void A_steal_levels_something_out(int mine, int others, int expected)
    {
        Lease[] leases = [.. Owned("me", mine, 0), .. Owned("other", others, 200)];
        Assert.Equal(expected, MovesOf(leases, "me", new Chance(1)).Take.Count);
    }

    [Fact]
    public void Any_number_of_workers_come_to_rest_at_fair_shares()
    {
        for (int seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            string[] workers = [.. Enumerable.Range(0, random.Next(1, 6)).Select(static i => $"worker-{i}")];
            Lease[] leases = [.. Owned(null, random.Next(1, 40), 0)];
            int quiet = 0;
            for (int round = 0; quiet < workers.Length && round < 1000; round++)
            {
                string me = workers[round % workers.Length];
                IReadOnlyList<Lease> taken = MovesOf(leases, me, new Chance((ulong)random.NextInt64())).Take;
                quiet = taken.Count == 0 ? quiet + 1 : 0;
                leases = [.. leases.Select(lease => taken.Contains(lease) ? lease with { LeaseOwner = me } : lease)];
            }

            Assert.Equal(workers.Length, quiet);
            int[] held = [.. workers.Select(worker => leases.Count(lease => lease.Owner == worker))];
            Assert.Equal(leases.Length, held.Sum());
            Assert.True(held.Max() - held.Min() <= 1, $"seed {seed}: {string.Join(' ', held)}");
        }
    }

    /// <summary>
    /// Random splits and merges while an application starts, is interrupted in the middle of creating leases, and finishes
    /// shards: whatever was put from its start on is read exactly once, parents before children.
    /// </summary>
    [Theory]
    [InlineData(CheckpointKind.TrimHorizon)]
    [InlineData(CheckpointKind.Latest)]
    [InlineData(CheckpointKind.AtTimestamp)]
    public void Every_range_is_read_exactly_once_whatever_the_lineage(CheckpointKind kind)
    {
        for (int seed = 0; seed < 300; seed++)
        {
            new LineageRun(kind, seed).Run();
        }
    }

    [Fact]
    public void Chance_is_splitmix64_and_so_the_same_everywhere()
    {
        // what the published algorithm gives for seed 0
        var chance = new Chance(0);
        Assert.Equal(0xe220a8397b1dcdaf, chance.NextUInt64());
        Assert.Equal(0x6e789e6aa1b965f4UL, chance.NextUInt64());
        Assert.Equal(0x06c45d188009454fUL, chance.NextUInt64());
        Assert.Equal(0xe220a8397b1dcdaf / Math.Pow(2, 64), new Chance(0).NextDouble(), 1e-12);
        Assert.Equal((int)(0xe220a8397b1dcdaf / Math.Pow(2, 64) * 1000), new Chance(0).Next(1000));
    }

    [Fact]
    public void Every_order_comes_up_about_as_often()
    {
        var chance = new Chance(1);
        Dictionary<string, int> orders = Enumerable.Range(0, 6000).Select(_ => string.Concat(chance.Shuffled([1, 2, 3])))
            .CountBy(static order => order).ToDictionary();
        Assert.Equal(6, orders.Count);
        Assert.All(orders.Values, static count => Assert.InRange(count, 850, 1150));
    }

    [Fact]
    public void No_more_is_taken_or_asked_for_than_there_is_room_for()
    {
        static LeasePlan.Moves Moves(Lease[] leases, int most, string? given = null) => LeasePlan.Balance(leases,
            new LeasePlan.View("me", static lease => lease.LeaseOwner == "me" && lease.TakenBy == "me", static lease => lease.Owner is null)
            {
                MaxLeases = most,
                IsGiven = lease => given is not null && lease.TakenBy == given,
            }, new Chance(1));

        Lease[] mine = [.. Ours("me", 1, 0)];
        Assert.Equal(2, Moves([.. mine, .. Owned(null, 5, 100)], 3).Take.Count);
        Assert.Empty(Moves([.. mine, .. Owned(null, 5, 100)], 1).Take);
        Assert.Equal(2, Moves([.. mine, .. Ours("a", 9, 100)], 3).Request.Count);
        Assert.Empty(Moves([.. mine, .. Ours("a", 9, 100)], 1).Request);

        // what was asked for takes up room, and what there is no room for is given up
        Lease[] asked = [.. Ours("a", 9, 100).Select(static (lease, i) => i < 2 ? lease with { RequestedBy = "me" } : lease)];
        Assert.Single(Moves([.. mine, .. asked], 4).Request);
        LeasePlan.Moves full = Moves([.. mine, .. asked], 3);
        Assert.Empty(full.Request);
        Assert.Empty(full.Withdraw);
        Assert.Single(Moves([.. mine, .. asked], 2).Withdraw);
        // KCL's worker cannot be asked: what the row says of a request takes up no room
        Lease[] kcls = [.. Owned("kcl", 9, 100).Select(static lease => lease with { RequestedBy = "me" })];
        Assert.Single(Moves([.. mine, .. kcls], 2).Take);

        // what is given is taken as far as there is room, and counts against what is free
        Lease[] given = [.. Owned("me", 3, 100).Select(static lease => lease with { TakenBy = "a" })];
        Assert.Equal(2, Moves([.. mine, .. given], 3, "a").Take.Count);
        Assert.Equal(2, Moves([.. mine, .. given[..1], .. Owned(null, 5, 200)], 3, "a").Take.Count);
    }

    [Fact]
    public void What_is_barred_is_left_alone()
    {
        static LeasePlan.Moves Moves(Lease[] leases) => LeasePlan.Balance(leases,
            new LeasePlan.View("me", static lease => lease.LeaseOwner == "me" && lease.TakenBy == "me", static lease => lease.Owner is null)
            {
                IsBarred = static lease => lease.LeaseKey != "100",
                IsOverdue = static lease => lease.RequestedBy == "me",
            }, new Chance(1));

        Lease[] given = [.. Owned("me", 3, 100).Select(static lease => lease with { TakenBy = "a" })];
        Assert.Equal(["100"], Moves(given).Take.Select(static lease => lease.LeaseKey));
        Assert.Equal(["100"], Moves([.. Owned(null, 3, 100)]).Take.Select(static lease => lease.LeaseKey));
        Assert.Equal(["100"], Moves([.. Ours("a", 6, 100)]).Request.Select(static lease => lease.LeaseKey));
        Assert.Empty(Moves([.. Ours("a", 6, 101)]).Request);
        Lease[] asked = [.. Ours("a", 6, 101).Select(static (lease, i) => i < 2 ? lease with { RequestedBy = "me" } : lease)];
        Assert.Empty(Moves(asked).Take);
    }

    [Fact]
    public void What_nobody_has_taken_for_long_is_taken_beyond_the_share_as_far_as_there_is_room()
    {
        Lease[] leases = [.. Ours("me", 3, 0), .. Owned(null, 4, 100), .. Ours("a", 1, 200)];
        LeasePlan.Moves Moves(int most, bool isLeftOver) => LeasePlan.Balance(leases,
            new LeasePlan.View("me", static lease => lease.LeaseOwner == "me", static lease => lease.Owner is null)
            {
                MaxLeases = most,
                IsLeftOver = _ => isLeftOver,
            }, new Chance(1));

        // 8 leases and two workers
        Assert.Equal((1, 0), Count(Moves(int.MaxValue, isLeftOver: false)));
        Assert.Equal((4, 0), Count(Moves(int.MaxValue, isLeftOver: true)));
        Assert.Equal((2, 2), Count(Moves(5, isLeftOver: true)));
        Assert.Equal((0, 4), Count(Moves(3, isLeftOver: true)));
        Assert.Equal((0, 0), Count(Moves(3, isLeftOver: false)));

        static (int Taken, int Unread) Count(LeasePlan.Moves moves) => (moves.Take.Count, moves.Unread);
    }

    [Fact]
    public void At_most_a_hundred_are_asked_for_at_once()
    {
        Assert.Equal(100, MovesOf([.. Ours("a", 300, 0)], "me", new Chance(1)).Request.Count);
        Assert.Equal(99, MovesOf([.. Ours("a", 198, 0)], "me", new Chance(1)).Request.Count);
    }

    [Fact]
    public void Workers_who_find_free_leases_at_the_same_time_reach_for_different_ones()
    {
        string[] workers = ["a", "b", "c"];
        Lease[] leases = [.. workers.SelectMany(static (worker, i) => Ours(worker, 1, i)), .. Owned(null, 60, 100)];
        IReadOnlyList<Lease>[] taken = [.. workers.Select((worker, i) => MovesOf(leases, worker, new Chance((ulong)i)).Take)];
        Assert.All(taken, static all => Assert.Equal(20, all.Count));
        Assert.InRange(taken.SelectMany(static all => all).DistinctBy(static lease => lease.LeaseKey).Count(), 52, 60);
    }

    [Fact]
    public void An_interrupted_start_goes_on_from_when_it_began()
    {
        ShardNode[] shards = [Node("0", closed: false), Node("1", closed: false), Node("2", closed: true), Node("3", closed: false)];
        Lease[] leases = [Leased("0") with { StartedAt = s_epoch.AddSeconds(2) }, Leased("1") with { StartedAt = s_epoch.AddSeconds(1) }];
        IReadOnlyList<Lease> missing = LeasePlan.Missing(shards, leases, CheckpointPosition.Latest, s_epoch.AddSeconds(9));
        // the closed one too: it may have been closed since
        Assert.Equal([("2", s_epoch.AddSeconds(1)), ("3", s_epoch.AddSeconds(1))],
            missing.Select(static lease => (lease.LeaseKey, lease.StartedAt!.Value)));
        Assert.All(missing, static lease => Assert.Equal((CheckpointPosition.Latest, new HashKeyRange(0, 0)),
            (lease.Checkpoint, lease.HashKeyRange)));
        // a start that was not interrupted leaves out what was closed before
        missing = LeasePlan.Missing(shards, [], CheckpointPosition.Latest, s_epoch.AddSeconds(9));
        Assert.Equal(["0", "1", "3"], missing.Select(static lease => lease.LeaseKey));
        Assert.All(missing, static lease => Assert.Equal(s_epoch.AddSeconds(9), lease.StartedAt));
    }

    [Theory]
    [InlineData(20)]
    [InlineData(-1000)]
    [InlineData(null)]
    public void A_reset_of_one_lease_does_not_move_where_others_start(int? seconds)
    {
        ShardNode[] shards = [Node("0", closed: false), Node("2", closed: true), Node("3", closed: false)];
        var note = new CheckpointReset("ann", null, s_epoch, "LATEST", "LATEST", FirstStart: s_epoch.AddSeconds(2));
        Lease reset = Leased("0") with { StartedAt = s_epoch.AddSeconds(2 * seconds ?? 0), Reset = OperatorNotes.Write(note) };
        reset = seconds is null ? reset with { StartedAt = null, Checkpoint = CheckpointPosition.TrimHorizon } : reset;
        IReadOnlyList<Lease> missing = LeasePlan.Missing(shards, [reset], CheckpointPosition.Latest, s_epoch.AddSeconds(9));
        Assert.Equal([("2", s_epoch.AddSeconds(2)), ("3", s_epoch.AddSeconds(2))],
            missing.Select(static lease => (lease.LeaseKey, lease.StartedAt!.Value)));
    }

    [Fact]
    public void Descendants_wait_in_whatever_order_they_are_listed()
    {
        ShardNode[] shards = [Node("4", closed: false, "3"), Node("3", closed: true, "2"), Node("2", closed: true, "1"),
            Node("1", closed: true, "0"), Node("0", closed: true), Node("5", closed: false)];
        Assert.Equal(["1", "2", "3", "4"], LeasePlan.Waiting(shards, [Leased("0")]).Select(static shard => shard.ShardId).Order());
        // what is leased waits no more, whatever its parent does
        Assert.Equal(["2", "3", "4"],
            LeasePlan.Waiting(shards, [Leased("0"), Leased("1", "0")]).Select(static shard => shard.ShardId).Order());
    }

    [Fact]
    public void A_row_that_cannot_be_read_is_never_taken_for_done()
    {
        Lease odd = Leased("0") with { Checkpoint = CheckpointPosition.ShardEnd, Problem = "not a number" };
        ShardNode[] shards = [Node("0", closed: true), Node("1", closed: false, "0")];
        Assert.Empty(LeasePlan.Missing(shards, [odd], CheckpointPosition.TrimHorizon, s_epoch));
        Assert.Equal(["1"], LeasePlan.Waiting(shards, [odd]).Select(static shard => shard.ShardId));
        Assert.DoesNotContain(LeasePlan.Runnable([odd, Leased("1", "0")]), static lease => lease.LeaseKey == "1");
        Assert.Empty(LeasePlan.Removable(shards, [odd, Leased("1", "0") with { Checkpoint = CheckpointPosition.Parse("7") }]));
    }

    [Fact]
    public void A_child_of_a_shard_that_was_passed_starts_at_once()
    {
        ShardNode[] shards = [Node("0", closed: true), Node("1", closed: false, "0"), Node("2", closed: false, "0")];
        Lease child = Assert.Single(LeasePlan.Missing(shards, [Leased("1", "0")], CheckpointPosition.TrimHorizon, s_epoch));
        Assert.Equal(("2", CheckpointPosition.TrimHorizon), (child.LeaseKey, child.Checkpoint));
    }

    [Fact]
    public void When_the_application_started_is_kept_where_the_start_needs_it()
    {
        ShardNode[] shards = [Node("0", closed: true), Node("1", closed: false, "0")];
        DateTimeOffset? StartOf(CheckpointPosition start, params Lease[] leases) =>
            Assert.Single(LeasePlan.Missing(shards, leases, start, s_epoch)).StartedAt;

        Lease done = Leased("0") with { Checkpoint = CheckpointPosition.ShardEnd };
        Assert.Null(StartOf(CheckpointPosition.TrimHorizon));
        Assert.Null(StartOf(CheckpointPosition.TrimHorizon, done));
        Assert.Null(StartOf(CheckpointPosition.Latest, done));
        Assert.Equal(s_epoch, StartOf(CheckpointPosition.AtTimestamp));
        Assert.Equal(s_epoch, StartOf(CheckpointPosition.AtTimestamp, done));
    }

    [Fact]
    public void A_child_has_begun_where_it_is_done_or_was_passed_and_not_before()
    {
        ShardNode[] shards = [Node("0", closed: true), Node("1", closed: true, "0"), Node("2", closed: false, "1")];
        Lease done = Leased("0") with { Checkpoint = CheckpointPosition.ShardEnd };
        Lease child = Leased("1", "0") with { Checkpoint = CheckpointPosition.ShardEnd };
        Assert.Equal(["0"], LeasePlan.Removable(shards[..2], [done, child]).Select(static lease => lease.LeaseKey));
        Assert.Equal(["0"], LeasePlan.Removable(shards, [done, Leased("2", "1")]).Select(static lease => lease.LeaseKey));
        // no shard is listed any more, and the child is still to be read
        Assert.Empty(LeasePlan.Removable([], [done, Leased("1", "0")]));
    }

    [Fact]
    public void What_others_have_asked_for_or_were_given_is_not_asked_for()
    {
        Lease[] leases = [.. Ours("a", 6, 0).Select(static (lease, i) => i < 3 ? lease with { RequestedBy = "b" } : lease)];
        for (ulong seed = 0; seed < 20; seed++)
        {
            LeasePlan.Moves moves = MovesOf(leases, "me", new Chance(seed));
            Assert.Null(Assert.Single(moves.Request).RequestedBy);
        }

        LeasePlan.Moves given = MovesOf([.. Owned("b", 3, 0).Select(static lease => lease with { TakenBy = "a" })], "me", new Chance(1));
        Assert.Empty(given.Take);
        Assert.Empty(given.Request);
    }

    [Theory]
    [InlineData(1, 2, 1, 1)]
    [InlineData(1, 3, 1, 0)]
    [InlineData(1, 3, 2, 1)]
    [InlineData(2, 3, 2, 2)]
    public void As_many_requests_are_withdrawn_as_would_level_nothing_out(int mine, int others, int asked, int withdrawn)
    {
        Lease[] leases = [.. Ours("me", mine, 0),
            .. Ours("a", others, 100).Select((lease, i) => i < asked ? lease with { RequestedBy = "me" } : lease)];
        var view = new LeasePlan.View("me", static lease => lease.LeaseOwner == "me", static lease => lease.Owner is null);
        Assert.Equal(withdrawn, LeasePlan.Balance(leases, view, new Chance(1)).Withdraw.Count);
    }

    [Fact]
    public void Who_has_its_share_asks_for_no_more()
    {
        Assert.Empty(MovesOf([.. Ours("me", 3, 0), .. Ours("a", 5, 100), .. Ours("b", 1, 200)], "me", new Chance(1)).Request);
    }

    [Fact]
    public void Those_who_have_most_are_asked_in_turn()
    {
        for (ulong seed = 0; seed < 20; seed++)
        {
            LeasePlan.Moves moves = MovesOf([.. Ours("a", 6, 0), .. Ours("b", 6, 100)], "me", new Chance(seed));
            Assert.Equal((2, 2), (moves.Request.Count(static lease => lease.LeaseOwner == "a"),
                moves.Request.Count(static lease => lease.LeaseOwner == "b")));
        }
    }

    [Fact]
    public void Nothing_is_stolen_while_there_is_something_to_ask_for()
    {
        for (ulong seed = 0; seed < 20; seed++)
        {
            LeasePlan.Moves moves = MovesOf([.. Ours("a", 6, 0), .. Owned("kcl", 5, 100)], "me", new Chance(seed));
            Assert.Empty(moves.Take);
            Assert.NotEmpty(moves.Request);
        }
    }

    [Fact]
    public void A_worker_that_is_to_take_too_much_takes_too_much()
    {
        // the tests that show that it is missed depend on it
        var view = new LeasePlan.View("me", static _ => false, static lease => lease.Owner is null);
        Lease[] leases = [.. Owned(null, 8, 0), .. Owned("a", 2, 100)];
        Assert.Equal(5, LeasePlan.Balance(leases, view, new Chance(1)).Take.Count);
        Assert.Equal(7, LeasePlan.Balance(leases, view with { Beyond = 2 }, new Chance(1)).Take.Count);
    }

    private static LeasePlan.Moves MovesOf(IReadOnlyList<Lease> leases, string me, Chance chance) =>
        LeasePlan.Balance(leases,
            new LeasePlan.View(me, lease => lease.Owner == me && (lease.TakenBy ?? me) == me, static lease => lease.Owner is null), chance);

    private static ShardNode Node(string id, bool closed, params string[] parents) => new(id, parents, closed, new HashKeyRange(0, 0));

    private static Lease Leased(string key, params string[] parents) => new() { LeaseKey = key, ParentShardIds = parents };

    private static IEnumerable<Lease> Owned(string? owner, int count, int from) =>
        Enumerable.Range(from, count).Select(i => new Lease { LeaseKey = $"{i}", LeaseOwner = owner });

    private static IEnumerable<Lease> Ours(string owner, int count, int from) => Owned(owner, count, from)
        .Select(static lease => lease with { TakenBy = lease.LeaseOwner });

    private sealed class LineageRun(CheckpointKind kind, int seed)
    {
        private const int Cells = 8;

        private readonly Random _random = new(seed);
        private readonly List<Piece> _shards = [];
        private readonly Dictionary<string, Lease> _leases = [];
        private int _now;
        private int? _firstLook;

        public void Run()
        {
            _shards.Add(new Piece("s0", [], 0, Cells, 0));
            int start = _random.Next(0, 15);
            for (_now = 1; _now < 30; _now++)
            {
                if (_random.Next(3) == 0)
                {
                    Reshard();
                }

                if (_now >= start)
                {
                    Step(all: false);
                }
            }

            for (int i = 0; i < 40; i++)
            {
                Step(all: true);
            }

            Check(start);
        }

        private void Reshard()
        {
            Piece[] open = [.. _shards.Where(static shard => shard.Closed is null).OrderBy(static shard => shard.From)];
            Piece one = open[_random.Next(open.Length)];
            Piece? next = open.FirstOrDefault(shard => shard.From == one.To);
            if (_random.Next(2) == 0 && next is not null)
            {
                one.Closed = next.Closed = _now;
                _shards.Add(new Piece($"s{_shards.Count}", [one.Id, next.Id], one.From, next.To, _now));
            }
            else if (one.To - one.From > 1)
            {
                one.Closed = _now;
                int middle = _random.Next(one.From + 1, one.To);
                _shards.Add(new Piece($"s{_shards.Count}", [one.Id], one.From, middle, _now));
                _shards.Add(new Piece($"s{_shards.Count}", [one.Id], middle, one.To, _now));
            }
        }

        private void Step(bool all)
        {
            ShardNode[] nodes = [.. _shards
                .Select(static shard =>
                    new ShardNode(shard.Id, shard.Parents, shard.Closed is not null,
                        new HashKeyRange((UInt128)shard.From, (UInt128)(shard.To - 1))))];
            CheckpointPosition start = kind switch
            {
                CheckpointKind.Latest => CheckpointPosition.Latest,
                CheckpointKind.AtTimestamp => CheckpointPosition.AtTimestamp,
                _ => CheckpointPosition.TrimHorizon,
            };
            foreach (Lease lease in LeasePlan.Missing(nodes, [.. _leases.Values], start,
                Time(kind == CheckpointKind.AtTimestamp ? 5 : _now)))
            {
                if (!all && _leases.Count > 0 && _random.Next(4) == 0)
                {
                    // the worker dies in the middle
                    break;
                }

                _firstLook ??= _now;
                Assert.False(_leases.ContainsKey(lease.LeaseKey));
                _leases.Add(lease.LeaseKey, lease);
            }

            foreach (Lease lease in LeasePlan.Removable(nodes, [.. _leases.Values]).Where(_ => _random.Next(2) == 0))
            {
                _leases.Remove(lease.LeaseKey);
            }

            foreach (Lease lease in LeasePlan.Runnable([.. _leases.Values]))
            {
                if (Shard(lease.LeaseKey).Closed is not null && (all || _random.Next(2) == 0))
                {
                    Assert.All(lease.ParentShardIds, parent =>
                        Assert.True(!_leases.TryGetValue(parent, out Lease? leased) || leased.IsFinished));
                    _leases[lease.LeaseKey] = lease with { Checkpoint = CheckpointPosition.ShardEnd };
                    Shard(lease.LeaseKey).ReadFrom = From(lease);
                }
            }
        }

        private void Check(int start)
        {
            foreach (Lease lease in _leases.Values.Where(static lease => !lease.IsFinished))
            {
                Shard(lease.LeaseKey).ReadFrom = From(lease);
            }

            int from = kind switch
            {
                CheckpointKind.TrimHorizon => 0,
                CheckpointKind.AtTimestamp => 5,
                _ => _firstLook!.Value,
            };
            Assert.True(_firstLook >= start);
            for (int cell = 0; cell < Cells; cell++)
            {
                for (int time = from; time < _now; time++)
                {
                    // the record of this cell at this time lies in the one shard that was open then
                    Piece holder = _shards.Single(shard => cell >= shard.From && cell < shard.To && time >= shard.Opened
                        && (shard.Closed is not int closed || time < closed));
                    Assert.True(holder.ReadFrom <= time,
                        $"seed {seed}: nobody reads cell {cell} at {time}, in {holder.Id}, from {holder.ReadFrom}");
                }
            }
        }

        private int From(Lease lease) => lease.StartedAt is DateTimeOffset at
            && lease.Checkpoint.Kind != CheckpointKind.TrimHorizon ? (int)(at - s_epoch).TotalSeconds : 0;

        private Piece Shard(string id) => _shards.Single(shard => shard.Id == id);

        private static DateTimeOffset Time(int step) => s_epoch.AddSeconds(step);
    }

    private sealed record Piece(string Id, IReadOnlyList<string> Parents, int From, int To, int Opened)
    {
        public int? Closed { get; set; }

        public int ReadFrom { get; set; } = int.MaxValue;
    }
}
