using FastConsumer.Kinesis;
using FastConsumer.Leases;

namespace FastConsumer.Tests.Leases;

public sealed class LeasePlanTests
{
    private static readonly DateTimeOffset s_epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_shard_whose_descendant_is_leased_was_done_before()
    {
        // KCL deletes the leases of finished shards while the shards are still listed
        ShardNode[] shards = [Node("0", closed: true), Node("1", closed: true, "0"), Node("2", closed: false, "0"), Node("3", closed: false, "1")];
        Lease[] leases = [Leased("2", "0"), Leased("3", "1")];
        Assert.Empty(LeasePlan.Missing(shards, leases, CheckpointPosition.TrimHorizon, s_epoch));
    }

    [Fact]
    public void A_child_waits_for_both_parents()
    {
        ShardNode[] shards = [Node("0", closed: true), Node("1", closed: true), Node("2", closed: false, "0", "1")];
        Lease done = Leased("0") with { Checkpoint = CheckpointPosition.ShardEnd };
        Assert.Empty(LeasePlan.Missing(shards, [done, Leased("1")], CheckpointPosition.TrimHorizon, s_epoch));
        Lease child = Assert.Single(LeasePlan.Missing(shards, [done, Leased("1") with { Checkpoint = CheckpointPosition.ShardEnd }], CheckpointPosition.TrimHorizon, s_epoch));
        Assert.Equal(("2", CheckpointPosition.TrimHorizon), (child.LeaseKey, child.Checkpoint));
        Assert.Equal(["0", "1"], child.ParentShardIds);
    }

    [Fact]
    public void A_lease_runs_after_its_leased_parents_only()
    {
        Lease[] leases = [Leased("0"), Leased("1", "0"), Leased("2", "9"), Leased("3") with { Checkpoint = CheckpointPosition.ShardEnd }, Leased("4", "3")];
        Assert.Equal(["0", "2", "4"], LeasePlan.Runnable(leases).Select(static lease => lease.LeaseKey));
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
        Assert.Equal(expected, Moves(leases, "me", new Random(1)).Take.Count);
    }

    [Theory]
    [InlineData(1, 3, 1)]
    [InlineData(2, 3, 0)]
    [InlineData(0, 1, 0)]
    [InlineData(0, 2, 1)]
    public void A_steal_levels_something_out(int mine, int others, int expected)
    {
        Lease[] leases = [.. Owned("me", mine, 0), .. Owned("other", others, 200)];
        Assert.Equal(expected, Moves(leases, "me", new Random(1)).Take.Count);
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
                IReadOnlyList<Lease> taken = Moves(leases, me, random).Take;
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

    private static LeaseMoves Moves(IReadOnlyList<Lease> leases, string me, Random random) =>
        LeasePlan.Balance(leases, new LeaseView(me, lease => lease.Owner == me && lease.TakenBy is null, static lease => lease.Owner is null), random);

    private static ShardNode Node(string id, bool closed, params string[] parents) => new(id, parents, closed, new HashKeyRange(0, 0));

    private static Lease Leased(string key, params string[] parents) => new() { LeaseKey = key, ParentShardIds = parents };

    private static IEnumerable<Lease> Owned(string? owner, int count, int from) =>
        Enumerable.Range(from, count).Select(i => new Lease { LeaseKey = $"{i}", LeaseOwner = owner });

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
            ShardNode[] nodes = [.. _shards.Select(static shard => new ShardNode(shard.Id, shard.Parents, shard.Closed is not null, new HashKeyRange((UInt128)shard.From, (UInt128)(shard.To - 1))))];
            CheckpointPosition start = kind switch
            {
                CheckpointKind.Latest => CheckpointPosition.Latest,
                CheckpointKind.AtTimestamp => CheckpointPosition.AtTimestamp,
                _ => CheckpointPosition.TrimHorizon,
            };
            foreach (Lease lease in LeasePlan.Missing(nodes, [.. _leases.Values], start, Time(kind == CheckpointKind.AtTimestamp ? 5 : _now)))
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

            foreach (Lease lease in LeasePlan.Runnable([.. _leases.Values]))
            {
                if (Shard(lease.LeaseKey).Closed is not null && (all || _random.Next(2) == 0))
                {
                    Assert.All(lease.ParentShardIds, parent => Assert.True(!_leases.TryGetValue(parent, out Lease? leased) || leased.IsFinished));
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
                    Piece holder = _shards.Single(shard => cell >= shard.From && cell < shard.To && time >= shard.Opened && (shard.Closed is not int closed || time < closed));
                    Assert.True(holder.ReadFrom <= time, $"seed {seed}: nobody reads cell {cell} at {time}, in {holder.Id}, from {holder.ReadFrom}");
                }
            }
        }

        private int From(Lease lease) => lease.StartedAt is DateTimeOffset at && lease.Checkpoint.Kind != CheckpointKind.TrimHorizon ? (int)(at - s_epoch).TotalSeconds : 0;

        private Piece Shard(string id) => _shards.Single(shard => shard.Id == id);

        private static DateTimeOffset Time(int step) => s_epoch.AddSeconds(step);
    }

    private sealed record Piece(string Id, IReadOnlyList<string> Parents, int From, int To, int Opened)
    {
        public int? Closed { get; set; }

        public int ReadFrom { get; set; } = int.MaxValue;
    }
}
