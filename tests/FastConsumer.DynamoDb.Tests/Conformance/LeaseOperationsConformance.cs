using System.Globalization;
using FastConsumer.Kinesis;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb.Tests.Conformance;

/// <summary>What every lease store must do, whatever it stands on.</summary>
public abstract class LeaseOperationsConformance : IAsyncLifetime
{
    private const string Shard = "shardId-000000000001";

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected ILeaseStore Store { get; private set; } = null!;

    /// <summary>A store on the test's own table; each call opens another one on the same table.</summary>
    protected abstract ILeaseStore Open();

    /// <summary>Puts a row in place as another program would.</summary>
    protected abstract Task PutAsync(Lease lease);

    protected abstract ValueTask DeleteTableAsync();

    public async ValueTask InitializeAsync()
    {
        Store = Open();
        await Store.PrepareAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Store.DisposeAsync();
        await DeleteTableAsync();
    }

    [Fact]
    public async Task A_table_may_be_prepared_again()
    {
        await Create(Unowned());

        await using ILeaseStore another = Open();
        await another.PrepareAsync(Cancellation);

        Assert.Single(await another.ListAsync(Cancellation));
    }

    [Fact]
    public void It_describes_its_table() => Assert.Contains("table", Store.Description, StringComparison.Ordinal);

    [Fact]
    public async Task A_lease_comes_back_as_it_was_created()
    {
        Lease lease = Unowned() with
        {
            LeaseCounter = 7,
            OwnerSwitchesSinceCheckpoint = 3,
            Checkpoint = CheckpointPosition.At(SequenceNumber.Parse("49590338271490256608559692538361571095921575989136588898"), 12),
            ParentShardIds = ["shardId-000000000009", "shardId-000000000008"],
            ChildShardIds = ["shardId-000000000011", "shardId-000000000010"],
            HashKeyRange = new HashKeyRange(0, UInt128.MaxValue),
            StartedAt = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123),
            StreamCreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(1_600_000_000_456),
            StreamName = "orders",
            TakenBy = "me",
            Session = "process 1",
            RequestedBy = "other",
            Notification = "other/1",
            Throughput = 12.5,
        };

        Assert.True(await Store.TryCreateAsync(lease, Cancellation));

        AssertSame(lease, await Store.GetAsync(Shard, Cancellation));
        AssertSame(lease, Assert.Single(await Store.ListAsync(Cancellation)));
    }

    [Fact]
    public async Task A_lease_may_be_created_with_an_owner()
    {
        await Create(Unowned() with { LeaseOwner = "me" });

        Assert.Equal("me", (await Get()).LeaseOwner);
    }

    [Fact]
    public async Task A_bare_lease_has_nothing_else()
    {
        await Create(Unowned());

        Lease read = await Get();

        AssertSame(Unowned(), read);
        Assert.Null(read.Owner);
        Assert.False(read.IsFinished);
    }

    [Fact]
    public async Task Start_times_are_kept_to_the_millisecond()
    {
        DateTimeOffset started = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123);
        await Create(Unowned() with { StartedAt = started.AddTicks(4567).ToOffset(TimeSpan.FromHours(2)) });

        Assert.Equal(started, (await Get()).StartedAt);
    }

    [Theory]
    [InlineData("0", "340282366920938463463374607431768211455")]
    [InlineData("170141183460469231731687303715884105728", "340282366920938463463374607431768211455")]
    [InlineData("0", "0")]
    public async Task Hash_ranges_keep_all_128_bits(string from, string to)
    {
        var range = new HashKeyRange(
            UInt128.Parse(from, CultureInfo.InvariantCulture), UInt128.Parse(to, CultureInfo.InvariantCulture));
        await Create(Unowned() with { HashKeyRange = range });

        Assert.Equal(range, (await Get()).HashKeyRange);
    }

    [Fact]
    public async Task Creating_what_is_there_changes_nothing()
    {
        await Create(Unowned() with { LeaseCounter = 5, LeaseOwner = "me" });

        Assert.False(await Store.TryCreateAsync(Unowned(), Cancellation));

        Assert.Equal(5, (await Get()).LeaseCounter);
    }

    [Fact]
    public async Task One_of_many_creators_creates()
    {
        bool[] created = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Store.TryCreateAsync(Unowned(), Cancellation)));

        Assert.Single(created, static c => c);
    }

    [Fact]
    public async Task What_is_not_there_is_null()
    {
        Assert.Null(await Store.GetAsync(Shard, Cancellation));
        Assert.Empty(await Store.ListAsync(Cancellation));
    }

    [Fact]
    public async Task All_leases_are_listed()
    {
        string[] keys = [.. Enumerable.Range(0, 50).Select(i => $"shardId-{i:D12}")];
        foreach (string key in keys)
        {
            await Create(Unowned() with { LeaseKey = key });
        }

        IReadOnlyList<Lease> leases = await Store.ListAsync(Cancellation);

        Assert.Equal(keys, leases.Select(static lease => lease.LeaseKey).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_free_lease_is_taken()
    {
        Lease free = await Create(Unowned() with { LeaseCounter = 4 });

        LeaseWriteResult result = await Store.TakeAsync(free, "me", Cancellation);

        await AssertWritten(result, free with { LeaseOwner = "me", TakenBy = "me", LeaseCounter = 5 });
    }

    [Fact]
    public async Task Taking_from_another_counts_the_switch()
    {
        Lease theirs = await Create(Unowned() with { LeaseOwner = "other", LeaseCounter = 4, OwnerSwitchesSinceCheckpoint = 2 });

        LeaseWriteResult result = await Store.TakeAsync(theirs, "me", Cancellation);

        await AssertWritten(result, theirs with { LeaseOwner = "me", TakenBy = "me", LeaseCounter = 5, OwnerSwitchesSinceCheckpoint = 3 });
    }

    [Fact]
    public async Task Taking_ones_own_lease_is_no_switch()
    {
        Lease mine = await Create(Unowned() with { LeaseOwner = "me", LeaseCounter = 4 });

        LeaseWriteResult result = await Store.TakeAsync(mine, "me", Cancellation);

        await AssertWritten(result, mine with { TakenBy = "me", LeaseCounter = 5 });
    }

    [Fact]
    public async Task A_late_renewal_of_ones_own_does_not_pass_for_the_take()
    {
        Lease row = Unowned() with { LeaseOwner = "me", LeaseCounter = 5 };
        await PutAsync(row);

        await AssertRefused(await Store.TakeAsync(row with { LeaseCounter = 4 }, "me", Cancellation), row);
    }

    [Fact]
    public async Task A_take_ends_a_hand_over()
    {
        Lease handed = Unowned() with { LeaseOwner = "next", CheckpointOwner = "old", LeaseCounter = 4 };
        await PutAsync(handed);
        Lease observed = await Get();
        AssertSame(handed, observed);
        Assert.Equal("old", observed.Owner);

        LeaseWriteResult result = await Store.TakeAsync(observed, "me", Cancellation);

        await AssertWritten(
            result, handed with
            {
                LeaseOwner = "me",
                TakenBy = "me",
                CheckpointOwner = null,
                LeaseCounter = 5,
                OwnerSwitchesSinceCheckpoint = 1
            });
    }

    [Theory]
    [InlineData("counter")]
    [InlineData("owner")]
    [InlineData("no owner")]
    [InlineData("another owner")]
    [InlineData("hand-over")]
    public async Task A_take_is_refused_where_the_row_is_not_as_observed(string change)
    {
        Lease observed = Unowned() with { LeaseOwner = change == "owner" ? null : "other", LeaseCounter = 4 };
        Lease row = change switch
        {
            "counter" => observed with { LeaseCounter = 5 },
            "owner" => observed with { LeaseOwner = "third" },
            "no owner" => observed with { LeaseOwner = null },
            "another owner" => observed with { LeaseOwner = "third" },
            _ => observed with { CheckpointOwner = "other" },
        };
        await PutAsync(row);

        await AssertRefused(await Store.TakeAsync(observed, "me", Cancellation), row);
    }

    [Fact]
    public async Task A_take_after_the_end_of_a_hand_over_is_refused()
    {
        Lease row = Unowned() with { LeaseOwner = "next", LeaseCounter = 4 };
        await PutAsync(row);

        await AssertRefused(await Store.TakeAsync(row with { CheckpointOwner = "old" }, "me", Cancellation), row);
    }

    [Fact]
    public async Task One_of_16_takers_wins()
    {
        Lease free = await Create(Unowned());
        ILeaseStore[] stores = [.. Enumerable.Range(0, 16).Select(_ => Open())];

        LeaseWriteResult[] results = await Task.WhenAll(
            stores.Select((store, i) => store.TakeAsync(free, $"worker-{i}", Cancellation)));

        LeaseWriteResult won = Assert.Single(results, static r => r.Outcome == LeaseWriteOutcome.Written);
        Assert.Equal(15, results.Count(static r => r.Outcome == LeaseWriteOutcome.Refused));
        Lease row = await Get();
        AssertSame(won.Lease!, row);
        Assert.All(results, result => Assert.Equal(row.LeaseOwner, result.Lease?.LeaseOwner));
        foreach (ILeaseStore store in stores)
        {
            await store.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_renewal_moves_the_counter_alone()
    {
        Lease mine = await Create(Unowned() with
        {
            LeaseOwner = "me",
            OwnerSwitchesSinceCheckpoint = 2,
            Checkpoint = At("100", 3),
            ParentShardIds = ["shardId-000000000000"],
        });

        LeaseWriteResult result = await Update(mine);

        await AssertWritten(result, mine with { LeaseCounter = 1 });
    }

    public static TheoryData<string, long> Checkpoints => new()
    {
        { "0", 0 },
        { "49590338271490256608559692538361571095921575989136588898", 0 },
        { "49590338271490256608559692538361571095921575989136588898", 41 },
        { new string('9', SequenceNumber.MaxDigits), long.MaxValue },
        { "TRIM_HORIZON", 0 },
        { "LATEST", 0 },
        { "AT_TIMESTAMP", 0 },
        { "SHARD_END", 0 },
    };

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public async Task A_checkpoint_comes_back_as_written(string checkpoint, long subSequenceNumber)
    {
        CheckpointPosition position = At(checkpoint, subSequenceNumber);
        Lease mine = await Create(Unowned() with { LeaseOwner = "me", Checkpoint = At("5", 6), OwnerSwitchesSinceCheckpoint = 2 });

        LeaseWriteResult result = await Update(mine, position);

        await AssertWritten(result, mine with { LeaseCounter = 1, Checkpoint = position, OwnerSwitchesSinceCheckpoint = 0 });
    }

    [Theory]
    [InlineData("counter")]
    [InlineData("owner")]
    [InlineData("no owner")]
    [InlineData("hand-over")]
    public async Task A_stale_owner_is_refused(string change)
    {
        Lease held = Unowned() with { LeaseOwner = "me", LeaseCounter = 4 };
        Lease row = change switch
        {
            "counter" => held with { LeaseOwner = "other", LeaseCounter = 5 },
            "owner" => held with { LeaseOwner = "other" },
            // (evicted once, it would look as the release itself leaves it)
            "no owner" => held with { LeaseOwner = null, LeaseCounter = 6 },
            _ => held with { LeaseOwner = "me", CheckpointOwner = "other" },
        };
        await PutAsync(row);

        await AssertRefused(await Update(held), row);
        await AssertRefused(await Update(held, At("7")), row);
        await AssertRefused(await Store.ReleaseAsync(held, Cancellation), row);
        Assert.False(await Store.TryDeleteAsync(held, Cancellation));
        AssertSame(row, await Get());
    }

    [Fact]
    public async Task Both_owners_of_a_hand_over_are_refused_a_renewal()
    {
        Lease handed = Unowned() with { LeaseOwner = "next", CheckpointOwner = "old", LeaseCounter = 4 };
        await PutAsync(handed);

        await AssertRefused(await Update(handed), handed);
        await AssertRefused(await Update(handed with { LeaseOwner = "old", CheckpointOwner = null }), handed);
    }

    [Fact]
    public async Task What_is_gone_is_refused_without_a_row()
    {
        Lease held = Unowned() with { LeaseOwner = "me" };

        Assert.Equal(new LeaseWriteResult(LeaseWriteOutcome.Refused, null), await Store.TakeAsync(held, "me", Cancellation));
        Assert.Equal(new LeaseWriteResult(LeaseWriteOutcome.Refused, null), await Update(held));
        Assert.Equal(new LeaseWriteResult(LeaseWriteOutcome.Refused, null), await Update(held, At("7")));
        Assert.Equal(new LeaseWriteResult(LeaseWriteOutcome.Refused, null), await Store.ReleaseAsync(held, Cancellation));
        await Store.UpdateChildrenAsync(Shard, ["a"], Cancellation);
        Assert.Empty(await Store.ListAsync(Cancellation));
    }

    [Fact]
    public async Task Results_stand_in_the_order_of_the_updates()
    {
        var updates = new List<LeaseUpdate>();
        for (int i = 0; i < 40; i++)
        {
            Lease lease = await Create(Unowned() with { LeaseKey = $"shard-{i:D2}", LeaseOwner = i % 4 == 3 ? "other" : "me" });
            updates.Add(new LeaseUpdate(lease with { LeaseOwner = "me" }, i % 2 == 0 ? At($"{i}") : null));
        }

        IReadOnlyList<LeaseWriteResult> results = await Store.UpdateAsync(updates, Cancellation);

        Assert.Equal(updates.Select(static u => u.Held.LeaseKey), results.Select(static r => r.Lease?.LeaseKey));
        for (int i = 0; i < results.Count; i++)
        {
            Assert.Equal(i % 4 == 3 ? LeaseWriteOutcome.Refused : LeaseWriteOutcome.Written, results[i].Outcome);
            Assert.Equal(i % 4 == 3 ? 0 : 1, results[i].Lease!.LeaseCounter);
            Assert.Equal(i % 2 == 0 ? At($"{i}") : default, results[i].Lease!.Checkpoint);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(25)]
    [InlineData(26)]
    [InlineData(60)]
    public async Task Many_leases_are_updated_at_once(int count)
    {
        Lease[] leases = await CreateMany(count);

        for (int round = 1; round <= 3; round++)
        {
            // renewals and checkpoints mixed
            LeaseUpdate[] updates = [.. leases.Select((lease, i) => new LeaseUpdate(lease, i % 3 == 0 ? null : At($"{round}{i:D3}", i)))];
            IReadOnlyList<LeaseWriteResult> results = await Store.UpdateAsync(updates, Cancellation);
            Assert.All(results, static result => Assert.Equal(LeaseWriteOutcome.Written, result.Outcome));
            leases = [.. results.Select(static result => result.Lease!)];
        }

        Dictionary<string, Lease> rows = (await Store.ListAsync(Cancellation)).ToDictionary(static row => row.LeaseKey);
        Assert.Equal(count, rows.Count);
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(3, leases[i].LeaseCounter);
            Assert.Equal(i % 3 == 0 ? default : At($"3{i:D3}", i), leases[i].Checkpoint);
            AssertSame(leases[i], rows[leases[i].LeaseKey]);
        }
    }

    [Fact]
    public async Task Each_of_many_updates_has_its_own_outcome()
    {
        Lease[] leases = await CreateMany(60);
        Dictionary<string, Lease> others = [];
        for (int i = 0; i < leases.Length; i++)
        {
            Lease? other = (i % 5) switch
            {
                1 => leases[i] with { LeaseOwner = "other", LeaseCounter = 1 },
                2 => leases[i] with { LeaseOwner = "next", CheckpointOwner = "me" },
                3 => leases[i] with { LeaseOwner = null, LeaseCounter = 1 },
                _ => null,
            };
            if (other is not null)
            {
                await PutAsync(others[other.LeaseKey] = other);
            }
        }

        for (int i = 4; i < leases.Length; i += 5)
        {
            Assert.True(await Store.TryDeleteAsync(leases[i], Cancellation));
        }

        IReadOnlyList<LeaseWriteResult> results =
            await Store.UpdateAsync([.. leases.Select(static lease => new LeaseUpdate(lease, At("9")))], Cancellation);

        for (int i = 0; i < leases.Length; i++)
        {
            Assert.Equal(i % 5 == 0 ? LeaseWriteOutcome.Written : LeaseWriteOutcome.Refused, results[i].Outcome);
            Assert.Null(results[i].Error);
            if (i % 5 == 4)
            {
                Assert.Null(results[i].Lease);
                continue;
            }

            Lease expected = others.GetValueOrDefault(leases[i].LeaseKey) ?? leases[i] with { LeaseCounter = 1, Checkpoint = At("9") };
            AssertSame(expected, results[i].Lease);
            AssertSame(expected, await Get(expected.LeaseKey));
        }
    }

    [Fact]
    public async Task A_lease_is_updated_once_at_a_time()
    {
        Lease mine = await Create(Unowned() with { LeaseOwner = "me" });

        ArgumentException exception = await Assert.ThrowsAsync<ArgumentException>(
            () => Store.UpdateAsync([new LeaseUpdate(mine), new LeaseUpdate(mine, At("7"))], Cancellation));

        Assert.Contains(Shard, exception.Message, StringComparison.Ordinal);
        AssertSame(mine, await Get());
    }

    [Fact]
    public async Task A_checkpoint_drops_what_was_prepared()
    {
        for (int i = 0; i < 3; i++)
        {
            await PutAsync(Unowned() with { LeaseKey = $"shard-{i}", LeaseOwner = "me", HasPendingCheckpoint = i < 2 });
        }

        Lease[] leases = [await Get("shard-0"), await Get("shard-1"), await Get("shard-2")];
        Assert.Equal([true, true, false], leases.Select(static lease => lease.HasPendingCheckpoint));

        IReadOnlyList<LeaseWriteResult> results = await Store.UpdateAsync(
            [new LeaseUpdate(leases[0], At("5")), new LeaseUpdate(leases[1]), new LeaseUpdate(leases[2], At("6"))], Cancellation);

        await AssertWritten(results[0], leases[0] with { LeaseCounter = 1, Checkpoint = At("5"), HasPendingCheckpoint = false });
        await AssertWritten(results[1], leases[1] with { LeaseCounter = 1 });
        await AssertWritten(results[2], leases[2] with { LeaseCounter = 1, Checkpoint = At("6") });
    }

    [Fact]
    public async Task No_updates_have_no_results() => Assert.Empty(await Store.UpdateAsync([], Cancellation));

    [Fact]
    public async Task An_owner_goes_on_from_what_it_is_given_back()
    {
        Lease lease = await Create(Unowned());
        lease = (await Store.TakeAsync(lease, "me", Cancellation)).Lease!;
        for (int i = 1; i <= 10; i++)
        {
            LeaseWriteResult result = await Update(lease, i % 3 == 0 ? At($"{i}") : null);
            Assert.Equal(LeaseWriteOutcome.Written, result.Outcome);
            lease = result.Lease!;
        }

        Lease row = await Get();
        AssertSame(lease, row);
        Assert.Equal(11, row.LeaseCounter);
        Assert.Equal(At("9"), row.Checkpoint);
    }

    [Fact]
    public async Task A_released_lease_is_free_at_once()
    {
        Lease mine = await Create(
            Unowned() with
            {
                LeaseOwner = "me",
                TakenBy = "me",
                RequestedBy = "x",
                Notification = "x/1",
                Checkpoint = At("9"),
                OwnerSwitchesSinceCheckpoint = 1
            });

        LeaseWriteResult result = await Store.ReleaseAsync(mine, Cancellation);

        Lease free = mine with { LeaseOwner = null, TakenBy = null, RequestedBy = null, Notification = null, LeaseCounter = 1 };
        await AssertWritten(result, free);
        result = await Store.TakeAsync(result.Lease!, "other", Cancellation);
        await AssertWritten(result, free with { LeaseOwner = "other", TakenBy = "other", LeaseCounter = 2 });
    }

    [Fact]
    public async Task A_release_during_a_hand_over_lets_the_next_owner_in()
    {
        Lease handed = Unowned() with { LeaseOwner = "next", CheckpointOwner = "me", LeaseCounter = 4 };
        await PutAsync(handed);

        LeaseWriteResult result = await Store.ReleaseAsync(handed, Cancellation);

        await AssertWritten(result, handed with { CheckpointOwner = null, LeaseCounter = 5 });
    }

    [Fact]
    public async Task A_lease_is_released_to_a_successor()
    {
        Lease mine = await Create(
            Unowned() with { LeaseOwner = "me", TakenBy = "me", RequestedBy = "next", Checkpoint = At("9"), Notification = "x/1" });

        LeaseWriteResult result = await Store.ReleaseAsync(mine, "next", Cancellation);

        Lease given = mine with { LeaseOwner = "next", RequestedBy = null, Notification = null, LeaseCounter = 1 };
        await AssertWritten(result, given);
        Assert.False(given.IsHeldByFastConsumer);
        // whoever was not chosen is refused, and so is the old owner
        await AssertRefused(await Store.TakeAsync(mine, "third", Cancellation), given);
        await AssertRefused(await Update(mine), given);
        result = await Store.TakeAsync(given, "next", Cancellation);
        await AssertWritten(result, given with { TakenBy = "next", LeaseCounter = 2 });
        Assert.True(result.Lease!.IsHeldByFastConsumer);
    }

    [Fact]
    public async Task A_release_during_a_hand_over_of_KCL_takes_no_successor()
    {
        Lease handed = Unowned() with { LeaseOwner = "next", CheckpointOwner = "me", LeaseCounter = 4 };
        await PutAsync(handed);

        LeaseWriteResult result = await Store.ReleaseAsync(handed, "third", Cancellation);

        await AssertWritten(result, handed with { CheckpointOwner = null, LeaseCounter = 5 });
    }

    [Fact]
    public async Task A_request_disturbs_no_write_of_the_owner()
    {
        Lease mine = await Create(Unowned() with { LeaseOwner = "me", TakenBy = "me", LeaseCounter = 4 });

        LeaseWriteResult result = await Store.RequestAsync(mine, "next", Cancellation);
        await AssertWritten(result, mine with { RequestedBy = "next" });

        // the owner knows nothing of it yet
        Assert.Equal(LeaseWriteOutcome.Written, (await Update(mine)).Outcome);
        Assert.Equal(LeaseWriteOutcome.Written, (await Update(mine with { LeaseCounter = 5 }, At("7"))).Outcome);
        AssertSame(mine with { RequestedBy = "next", LeaseCounter = 6, Checkpoint = At("7") }, await Get());

        // and what it asks for by a counter long past is asked for all the same
        Lease seen = mine with { RequestedBy = "next" };
        result = await Store.RequestAsync(seen, null, Cancellation);
        await AssertWritten(result, mine with { LeaseCounter = 6, Checkpoint = At("7") });
    }

    [Fact]
    public async Task A_take_drops_requests_and_rings()
    {
        Lease mine = await Create(Unowned() with { LeaseOwner = "me", TakenBy = "me", RequestedBy = "next", Notification = "next/1" });

        LeaseWriteResult result = await Store.TakeAsync(mine, "third", Cancellation);

        await AssertWritten(
            result, mine with
            {
                LeaseOwner = "third",
                TakenBy = "third",
                RequestedBy = null,
                Notification = null,
                LeaseCounter = 1,
                OwnerSwitchesSinceCheckpoint = 1
            });
    }

    [Fact]
    public async Task One_of_16_requesters_is_heard()
    {
        Lease theirs = await Create(Unowned() with { LeaseOwner = "other", TakenBy = "other" });

        LeaseWriteResult[] results = await Task.WhenAll(
            Enumerable.Range(0, 16).Select(i => Store.RequestAsync(theirs, $"worker-{i}", Cancellation)));

        LeaseWriteResult won = Assert.Single(results, static r => r.Outcome == LeaseWriteOutcome.Written);
        AssertSame(won.Lease!, await Get());
        // asking again says the same
        Assert.Equal(LeaseWriteOutcome.Written, (await Store.RequestAsync(theirs, won.Lease!.RequestedBy, Cancellation)).Outcome);
    }

    [Theory]
    [InlineData("owner")]
    [InlineData("no owner")]
    [InlineData("hand-over")]
    [InlineData("request")]
    public async Task A_request_is_refused_where_the_row_is_not_as_observed(string change)
    {
        Lease observed = Unowned() with { LeaseOwner = "other", TakenBy = "other", LeaseCounter = 4 };
        Lease row = change switch
        {
            "owner" => observed with { LeaseOwner = "third" },
            "no owner" => observed with { LeaseOwner = null },
            "request" => observed with { RequestedBy = "third" },
            _ => observed with { CheckpointOwner = "other" },
        };
        await PutAsync(row);

        await AssertRefused(await Store.RequestAsync(observed, "me", Cancellation), row);
    }

    [Fact]
    public async Task A_ring_is_heard_at_the_owners_row_only()
    {
        Lease theirs = await Create(Unowned() with { LeaseOwner = "other", LeaseCounter = 4 });

        Assert.True(await Store.RingAsync(Shard, "other", "me/1", Cancellation));
        AssertSame(theirs with { Notification = "me/1" }, await Get());
        Assert.True(await Store.RingAsync(Shard, "other", "me/2", Cancellation));
        Assert.False(await Store.RingAsync(Shard, "third", "me/3", Cancellation));
        Assert.False(await Store.RingAsync("none", "other", "me/3", Cancellation));
        AssertSame(theirs with { Notification = "me/2" }, await Get());
        Assert.Equal(LeaseWriteOutcome.Written, (await Update(theirs)).Outcome);

        await PutAsync(theirs with { CheckpointOwner = "old" });
        Assert.False(await Store.RingAsync(Shard, "other", "me/4", Cancellation));
        Assert.Null(await Store.GetAsync("none", Cancellation));
    }

    [Theory]
    [InlineData(ReadConsistency.Eventual)]
    [InlineData(ReadConsistency.Strong)]
    public async Task Some_of_many_leases_are_read(ReadConsistency consistency)
    {
        Lease[] leases = await CreateMany(120);
        string[] wanted = [.. leases.Take(110).Select(static lease => lease.LeaseKey), "none", "shard-000"];

        IReadOnlyList<Lease> found = await Store.GetManyAsync(wanted, consistency, Cancellation);

        Assert.Equal(
            leases.Take(110).Select(static lease => lease.LeaseKey),
                found.Select(static lease => lease.LeaseKey).Order(StringComparer.Ordinal));
        AssertSame(leases[5], Assert.Single(await Store.GetManyAsync(["shard-005"], consistency, Cancellation)));
        Assert.Empty(await Store.GetManyAsync([], consistency, Cancellation));
        Assert.Equal(120, (await Store.ListAsync(consistency, Cancellation)).Count);
    }

    [Fact]
    public async Task A_throughput_is_published_with_a_checkpoint()
    {
        Lease[] leases = await CreateMany(3);

        IReadOnlyList<LeaseWriteResult> results = await Store.UpdateAsync(
            [new LeaseUpdate(leases[0], At("5"), 12.5), new LeaseUpdate(leases[1], At("5")), new LeaseUpdate(leases[2])], Cancellation);
        await AssertWritten(results[0], leases[0] with { LeaseCounter = 1, Checkpoint = At("5"), Throughput = 12.5 });
        await AssertWritten(results[1], leases[1] with { LeaseCounter = 1, Checkpoint = At("5") });

        await AssertWritten(
            await Update(results[0].Lease!, At("6")), leases[0] with { LeaseCounter = 2, Checkpoint = At("6"), Throughput = 12.5 });
        await AssertWritten(
            Assert.Single(await Store.UpdateAsync([new LeaseUpdate(results[1].Lease!, At("6"), 0)], Cancellation)),
            leases[1] with { LeaseCounter = 2, Checkpoint = At("6"), Throughput = 0 });
    }

    [Fact]
    public async Task Children_are_written_beside_the_rest()
    {
        Lease mine = await Create(Unowned() with { LeaseOwner = "me", LeaseCounter = 4, Checkpoint = At("9"), ChildShardIds = ["x"] });

        await Store.UpdateChildrenAsync(Shard, ["b", "a", "b"], Cancellation);
        AssertSame(mine with { ChildShardIds = ["a", "b"] }, await Get());

        await Store.UpdateChildrenAsync(Shard, [], Cancellation);
        AssertSame(mine with { ChildShardIds = [] }, await Get());
    }

    [Fact]
    public async Task A_lease_is_deleted_as_observed_only()
    {
        Lease row = await Create(Unowned() with { LeaseOwner = "me", LeaseCounter = 4 });

        Assert.False(await Store.TryDeleteAsync(row with { LeaseCounter = 3 }, Cancellation));
        Assert.False(await Store.TryDeleteAsync(row with { LeaseOwner = null }, Cancellation));
        Assert.False(await Store.TryDeleteAsync(row with { CheckpointOwner = "me" }, Cancellation));
        AssertSame(row, await Get());

        Assert.True(await Store.TryDeleteAsync(row, Cancellation));
        Assert.Null(await Store.GetAsync(Shard, Cancellation));
        Assert.True(await Store.TryDeleteAsync(row, Cancellation));
    }

    [Fact]
    public async Task Two_processes_of_the_same_name_are_told_apart()
    {
        await using ILeaseStore another = Open();
        await another.PrepareAsync(Cancellation);
        Lease first = (await Store.TakeAsync(await Create(Unowned()), "me", Cancellation)).Lease!;
        Assert.NotNull(first.Session);
        first = (await Update(first, At("3"))).Lease!;
        LeaseWriteResult result = await another.TakeAsync(first, "me", Cancellation);
        Lease second = result.Lease!;
        await AssertWritten(result, first with { LeaseCounter = 3, Session = second.Session });
        Assert.NotEqual(first.Session, second.Session);

        // none of these was the first one's own that arrived late
        await AssertRefused(await Update(first), second);
        await AssertRefused(await Update(first, At("3")), second);
        await AssertRefused(await Update(first, At("4")), second);
        Lease[] others = [.. Enumerable.Range(0, 2).Select(static i => Unowned() with { LeaseKey = $"shard-{i}", LeaseOwner = "me" })];
        await Task.WhenAll(others.Select(Create));
        await AssertRefused(
            (await Store.UpdateAsync([new LeaseUpdate(first), .. others.Select(static lease => new LeaseUpdate(lease))], Cancellation))[0],
                second);
        await AssertRefused(await Store.ReleaseAsync(first, Cancellation), second);

        // it stays with who is to have it next, and goes where nobody is
        Lease given = (await another.ReleaseAsync(second, "next", Cancellation)).Lease!;
        Assert.Equal(second.Session, given.Session);
        await another.ReleaseAsync((await another.TakeAsync(given, "next", Cancellation)).Lease!, Cancellation);
        Assert.Null((await Get()).Session);
    }

    [Fact]
    public async Task Nobody_renews_or_releases_what_nobody_holds()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => Store.UpdateAsync([new LeaseUpdate(Unowned())], Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.ReleaseAsync(Unowned(), Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.RequestAsync(Unowned(), "me", Cancellation));
    }

    [Fact]
    public async Task A_cancelled_call_says_so()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        Lease lease = Unowned() with { LeaseOwner = "me" };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.TryCreateAsync(lease, cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.ListAsync(cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.GetAsync(Shard, cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.TakeAsync(lease, "me", cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.UpdateAsync([new LeaseUpdate(lease)], cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.ReleaseAsync(lease, cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.RequestAsync(lease, "other", cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.RingAsync(Shard, "me", "other/1", cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Store.GetManyAsync([Shard, "other"], ReadConsistency.Eventual, cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.UpdateChildrenAsync(Shard, ["a"], cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.TryDeleteAsync(lease, cancelled.Token));
    }

    protected static Lease Unowned() => new() { LeaseKey = Shard };

    protected static CheckpointPosition At(string checkpoint, long subSequenceNumber = 0) =>
        CheckpointPosition.Parse(checkpoint, subSequenceNumber);

    protected async Task<Lease> Create(Lease lease)
    {
        Assert.True(await Store.TryCreateAsync(lease, Cancellation));
        return lease;
    }

    private async Task<Lease[]> CreateMany(int count)
    {
        Lease[] leases = [.. Enumerable.Range(0, count).Select(
            static i => Unowned() with { LeaseKey = $"shard-{i:D3}", LeaseOwner = "me" })];
        await Task.WhenAll(leases.Select(Create));
        return leases;
    }

    protected async Task<Lease> Get(string leaseKey = Shard) =>
        await Store.GetAsync(leaseKey, Cancellation) ?? throw new InvalidOperationException($"There is no lease {leaseKey}.");

    private protected async Task<LeaseWriteResult> Update(Lease held, CheckpointPosition? checkpoint = null) =>
        Assert.Single(await Store.UpdateAsync([new LeaseUpdate(held, checkpoint)], Cancellation));

    /// <summary>Both the answer and the row are as expected.</summary>
    private protected async Task AssertWritten(LeaseWriteResult result, Lease expected)
    {
        Assert.Equal(LeaseWriteOutcome.Written, result.Outcome);
        AssertSame(expected, result.Lease);
        AssertSame(expected, await Get(expected.LeaseKey));
    }

    private async Task AssertRefused(LeaseWriteResult result, Lease row)
    {
        Assert.Equal(LeaseWriteOutcome.Refused, result.Outcome);
        AssertSame(row, result.Lease);
        AssertSame(row, await Get(row.LeaseKey));
    }

    /// <summary>Equality, with the lists as sets; a take's process is of the store's own making.</summary>
    protected static void AssertSame(Lease expected, Lease? actual)
    {
        Assert.NotNull(actual);
        Assert.Equal(expected.ParentShardIds.Order(StringComparer.Ordinal), actual.ParentShardIds.Order(StringComparer.Ordinal));
        Assert.Equal(expected.ChildShardIds.Order(StringComparer.Ordinal), actual.ChildShardIds.Order(StringComparer.Ordinal));
        Assert.Equal(
            expected with { ParentShardIds = [], ChildShardIds = [], Session = expected.Session ?? actual.Session },
            actual with { ParentShardIds = [], ChildShardIds = [] });
    }
}
