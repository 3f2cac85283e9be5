using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb.Tests.Faults;

/// <summary>
/// Between a write that took effect and one that did not there is nothing: the store says which, whatever became of the answer.
/// </summary>
public sealed class LostAnswerTests(DynoxideServer server) : IClassFixture<DynoxideServer>, IAsyncLifetime
{
    private const string Shard = "shardId-000000000001";

    private static readonly CheckpointPosition s_checkpoint = CheckpointPosition.Parse("77", 3);

    private FaultyDynamoDb _proxy = null!;
    private TestTable _table = null!;
    private DynamoDbLeaseStore _store = null!;
    private DynamoDbLeaseStore _hasty = null!;

    public static TheoryData<Fault> FaultsAfter => [Fault.CutAnswer, Fault.ErrorAfter, Fault.NoAnswer, Fault.SentTwice];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        _table = new TestTable(_proxy.ServiceUrl);
        _store = _table.Open();
        _hasty = _table.Open(static options => options.RequestTimeout = TimeSpan.FromSeconds(1));
        await _store.PrepareAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _table.DisposeAsync();
        await _proxy.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(FaultsAfter))]
    public async Task A_take_that_took_effect_is_written(Fault fault)
    {
        Lease free = await Create(null);
        _proxy.Break("UpdateItem", fault);

        LeaseWriteResult result = await For(fault).TakeAsync(free, "me", Cancellation);

        await AssertWritten(result, free with { LeaseOwner = "me", TakenBy = "me", LeaseCounter = 1 });
    }

    [Theory]
    [MemberData(nameof(FaultsAfter))]
    public async Task A_renewal_that_took_effect_is_written(Fault fault)
    {
        Lease mine = await Create("me");
        _proxy.Break("UpdateItem", fault);

        await AssertWritten(await Update(For(fault), mine), mine with { LeaseCounter = 1 });
    }

    [Theory]
    [MemberData(nameof(FaultsAfter))]
    public async Task A_checkpoint_that_took_effect_is_written(Fault fault)
    {
        Lease mine = await Create("me");
        _proxy.Break("UpdateItem", fault);

        await AssertWritten(await Update(For(fault), mine, s_checkpoint), mine with { LeaseCounter = 1, Checkpoint = s_checkpoint });
    }

    [Theory]
    [MemberData(nameof(FaultsAfter))]
    public async Task A_release_that_took_effect_is_written(Fault fault)
    {
        Lease mine = await Create("me");
        _proxy.Break("UpdateItem", fault);

        await AssertWritten(await For(fault).ReleaseAsync(mine, Cancellation), mine with { LeaseCounter = 1, LeaseOwner = null });
    }

    [Theory]
    [MemberData(nameof(FaultsAfter))]
    public async Task A_release_to_a_successor_that_took_effect_is_written(Fault fault)
    {
        Lease mine = await Create("me");
        _proxy.Break("UpdateItem", fault);

        await AssertWritten(await For(fault).ReleaseAsync(mine, "next", Cancellation), mine with { LeaseCounter = 1, LeaseOwner = "next" });
    }

    [Theory]
    [MemberData(nameof(FaultsAfter))]
    public async Task A_request_that_took_effect_is_written(Fault fault)
    {
        Lease theirs = await Create("other");
        _proxy.Break("UpdateItem", fault);

        await AssertWritten(await For(fault).RequestAsync(theirs, "me", Cancellation), theirs with { RequestedBy = "me" });
    }

    [Theory]
    [MemberData(nameof(FaultsAfter))]
    public async Task A_ring_is_sent_again_or_failed_for_now(Fault fault)
    {
        Lease theirs = await Create("other");
        _proxy.Break("UpdateItem", fault);
        try
        {
            Assert.True(await For(fault).RingAsync(theirs.LeaseKey, "other", "me/1", Cancellation));
        }
        catch (LeaseStoreException e)
        {
            Assert.True(e.IsTransient);
        }

        Lease row = (await _store.GetAsync(theirs.LeaseKey, Cancellation))!;
        Assert.Equal((theirs.LeaseCounter, "other", "me/1"), (row.LeaseCounter, row.LeaseOwner, row.Notification));
    }

    [Theory]
    [InlineData(Fault.CutAnswer)]
    [InlineData(Fault.ErrorAfter)]
    [InlineData(Fault.NoAnswer)]
    public async Task A_creation_that_took_effect_is_one(Fault fault)
    {
        _proxy.Break("PutItem", fault);

        Assert.True(await For(fault).TryCreateAsync(New(null), Cancellation));
        Assert.Single(await _store.ListAsync(Cancellation));
    }

    [Theory]
    [MemberData(nameof(FaultsAfter))]
    public async Task A_deletion_that_took_effect_is_one(Fault fault)
    {
        Lease mine = await Create("me");
        _proxy.Break("DeleteItem", fault);

        Assert.True(await For(fault).TryDeleteAsync(mine, Cancellation));
        Assert.Empty(await _store.ListAsync(Cancellation));
    }

    [Theory]
    [InlineData(Fault.CutRequest)]
    [InlineData(Fault.ErrorInstead)]
    [InlineData(Fault.Throttled)]
    public async Task A_write_that_did_not_take_effect_failed_for_now(Fault fault)
    {
        Lease mine = await Create("me");

        _proxy.Break("UpdateItem", fault, fault, fault, fault);
        foreach (CheckpointPosition? checkpoint in new CheckpointPosition?[] { null, s_checkpoint })
        {
            LeaseWriteResult result = await Update(_store, mine, checkpoint);
            Assert.Equal(LeaseWriteOutcome.Failed, result.Outcome);
            Assert.True(Assert.IsType<LeaseStoreException>(result.Error).IsTransient);
        }

        await AssertTransient(() => _store.ReleaseAsync(mine, Cancellation));
        await AssertTransient(() => _store.TakeAsync(mine, "other", Cancellation));
        _proxy.Break("UpdateItem", fault);
        await AssertTransient(() => _store.RequestAsync(mine, "other", Cancellation));
        _proxy.Break("PutItem", fault);
        await AssertTransient(() => _store.TryCreateAsync(New(null) with { LeaseKey = "another" }, Cancellation));
        _proxy.Break("DeleteItem", fault);
        await AssertTransient(() => _store.TryDeleteAsync(mine, Cancellation));

        Assert.Equal(mine.LeaseCounter, (await _store.GetAsync(Shard, Cancellation))!.LeaseCounter);
        await AssertWritten(await Update(_store, mine), mine with { LeaseCounter = 1 });
    }

    [Theory]
    [InlineData(Fault.CutAnswer)]
    [InlineData(Fault.CutRequest)]
    [InlineData(Fault.ErrorAfter)]
    [InlineData(Fault.Throttled)]
    public async Task A_conditional_write_is_sent_once(Fault fault)
    {
        Lease mine = await Create("me");
        _proxy.Break("UpdateItem", fault);

        await Update(_store, mine);

        Assert.Equal(1, _proxy.Requests("UpdateItem"));
    }

    [Fact]
    public async Task A_lost_answer_does_not_hide_a_new_owner()
    {
        Lease mine = await Create("me");
        _proxy.Break("UpdateItem", Fault.CutRequest);
        await _table.PutAsync(Rows.Of(mine with { LeaseOwner = "other", LeaseCounter = 1 }));

        LeaseWriteResult result = await Update(_store, mine, s_checkpoint);

        Assert.Equal(LeaseWriteOutcome.Refused, result.Outcome);
        Assert.Equal("other", result.Lease!.LeaseOwner);
    }

    [Fact]
    public async Task A_failed_update_does_not_hold_up_the_others()
    {
        Lease[] leases = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            Lease lease = New("me") with { LeaseKey = $"shard-{i}" };
            Assert.True(await _store.TryCreateAsync(lease, Cancellation));
            return lease;
        }));
        _proxy.Break("UpdateItem", Fault.Throttled, Fault.CutAnswer, Fault.Denied);

        IReadOnlyList<LeaseWriteResult> results = await _table.Open(static options => options.BatchWrites = false)
            .UpdateAsync([.. leases.Select(static lease => new LeaseUpdate(lease, s_checkpoint))], Cancellation);

        Assert.Equal(18, results.Count(static r => r.Outcome == LeaseWriteOutcome.Written));
        LeaseStoreException[] errors = [
            .. results.Where(static r => r.Outcome == LeaseWriteOutcome.Failed).Select(static r => (LeaseStoreException)r.Error!)];
        Assert.Equal([false, true], errors.Select(static e => e.IsTransient).Order());
    }

    [Fact]
    public async Task What_cannot_be_read_back_failed()
    {
        Lease mine = await Create("me");
        _proxy.Break("UpdateItem", Fault.CutAnswer);
        _proxy.Break("GetItem", Fault.Denied);

        LeaseWriteResult result = await Update(_store, mine);

        Assert.Equal(LeaseWriteOutcome.Failed, result.Outcome);
        Assert.Null(result.Lease);
        Assert.True(Assert.IsType<LeaseStoreException>(result.Error).IsTransient);
        // the next renewal finds out
        await AssertWritten(await Update(_store, mine), mine with { LeaseCounter = 1 });

        mine = mine with { LeaseCounter = 1 };
        _proxy.Break("UpdateItem", Fault.CutAnswer);
        _proxy.Break("GetItem", Fault.Denied);
        await AssertTransient(() => _store.ReleaseAsync(mine, Cancellation));
    }

    [Fact]
    public async Task A_write_that_arrives_late_is_our_own()
    {
        Lease mine = await Create("me");
        _proxy.Break("UpdateItem", Fault.LateRequest);

        LeaseWriteResult failed = await Update(_hasty, mine, CheckpointPosition.Parse("50"));
        Assert.Equal(LeaseWriteOutcome.Failed, failed.Outcome);
        Assert.Contains("did not answer UpdateItem within 1 s", failed.Error!.Message, StringComparison.Ordinal);

        await _proxy.DeliverLateRequestsAsync();

        // the late one holds an older position: the newer goes on top of it
        await AssertWritten(await Update(_store, mine, s_checkpoint), mine with { LeaseCounter = 2, Checkpoint = s_checkpoint });
    }

    [Fact]
    public async Task A_write_that_arrives_after_the_next_one_is_void()
    {
        Lease mine = await Create("me");
        _proxy.Break("UpdateItem", Fault.LateRequest);
        await Update(_hasty, mine, CheckpointPosition.Parse("50"));

        LeaseWriteResult next = await Update(_store, mine, s_checkpoint);
        await _proxy.DeliverLateRequestsAsync();

        await AssertWritten(next, mine with { LeaseCounter = 1, Checkpoint = s_checkpoint });
    }

    [Fact]
    public async Task Reading_and_what_may_be_sent_twice_is_tried_again()
    {
        Lease mine = await Create("me");
        _proxy.Break("Scan", Fault.ErrorInstead, Fault.CutAnswer);
        _proxy.Break("GetItem", Fault.Throttled, Fault.ErrorAfter);
        _proxy.Break("UpdateItem", Fault.CutAnswer, Fault.ErrorAfter);

        Assert.Single(await _store.ListAsync(Cancellation));
        Assert.NotNull(await _store.GetAsync(Shard, Cancellation));
        await _store.UpdateChildrenAsync(mine.LeaseKey, ["c"], Cancellation);

        Assert.Equal(["c"], (await _store.GetAsync(Shard, Cancellation))!.ChildShardIds);
    }

    private static Lease New(string? owner) => new() { LeaseKey = Shard, LeaseOwner = owner };

    private static async Task<LeaseWriteResult> Update(DynamoDbLeaseStore store, Lease held, CheckpointPosition? checkpoint = null) =>
        Assert.Single(await store.UpdateAsync([new LeaseUpdate(held, checkpoint)], Cancellation));

    private static async Task AssertTransient(Func<Task> call) =>
        Assert.True((await Assert.ThrowsAsync<LeaseStoreException>(call)).IsTransient);

    /// <summary>Where no answer comes, the test should not wait for long; elsewhere a slow machine must not time out.</summary>
    private DynamoDbLeaseStore For(Fault fault) => fault == Fault.NoAnswer ? _hasty : _store;

    private async Task<Lease> Create(string? owner)
    {
        Lease lease = New(owner);
        Assert.True(await _store.TryCreateAsync(lease, Cancellation));
        return lease;
    }

    private async Task AssertWritten(LeaseWriteResult result, Lease expected)
    {
        Assert.Equal(LeaseWriteOutcome.Written, result.Outcome);
        foreach (Lease? lease in new[] { result.Lease, await _store.GetAsync(Shard, Cancellation) })
        {
            Assert.Equal(
                expected with { ParentShardIds = [], ChildShardIds = [] },
                lease! with { ParentShardIds = [], ChildShardIds = [], Session = expected.Session });
        }
    }
}
