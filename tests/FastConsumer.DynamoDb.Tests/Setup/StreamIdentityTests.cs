using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;
using Block = FastConsumer.Leases.Core.LeaseCommand.Tell.Block;

namespace FastConsumer.DynamoDb.Tests.Setup;

/// <summary>A stream that was deleted and created again does not go on from the old one's checkpoints.</summary>
public sealed class StreamIdentityTests(DynoxideServer server) : IClassFixture<DynoxideServer>
{
    private static readonly DateTimeOffset s_created = new(2026, 3, 1, 8, 30, 0, 250, TimeSpan.Zero);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Another_stream_of_the_same_name_is_refused()
    {
        await using var table = new TestTable(server.ServiceUrl);
        DynamoDbLeaseStore store = table.Open();
        await store.PrepareAsync(Cancellation);
        // one as KCL creates it, which says nothing
        Assert.True(await store.TryCreateAsync(new Lease { LeaseKey = "shard-0" }, Cancellation));
        Assert.True(await store.TryCreateAsync(new Lease { LeaseKey = "shard-1", StreamCreatedAt = s_created }, Cancellation));
        IReadOnlyList<Lease> leases = await store.ListAsync(Cancellation);

        Assert.Null(Judge(leases, "orders", s_created));
        // another protocol, or server, cuts it to seconds
        Assert.Null(Judge(leases, "orders", s_created.AddMilliseconds(-250)));
        Assert.Null(Judge([], "orders", s_created));

        foreach (int days in new[] { 1, -1 })
        {
            Block block = Judge(leases, "orders", s_created.AddDays(days))!;
            Assert.Equal((Block.Reason.StreamMadeAgain, "shard-1", "2026-03-01T08:30:00Z"), (block.Why, block.Key, block.Found));
            Assert.StartsWith(days > 0 ? "2026-03-02" : "2026-02-28", block.Expected, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Another_stream_is_refused_by_its_name()
    {
        await using var table = new TestTable(server.ServiceUrl);
        DynamoDbLeaseStore store = table.Open();
        await store.PrepareAsync(Cancellation);
        Assert.True(await store.TryCreateAsync(new Lease { LeaseKey = "shard-0" }, Cancellation));
        Assert.True(await store.TryCreateAsync(
            new Lease { LeaseKey = "shard-1", StreamCreatedAt = s_created, StreamName = "orders" }, Cancellation));
        IReadOnlyList<Lease> leases = await store.ListAsync(Cancellation);

        Assert.Null(Judge(leases, "orders", s_created));
        Block block = Judge(leases, "payments", s_created)!;
        Assert.Equal((Block.Reason.AnotherStream, "shard-1", "orders", "payments"), (block.Why, block.Key, block.Found, block.Expected));
    }

    [Fact]
    public async Task It_outlives_all_other_writes()
    {
        await using var table = new TestTable(server.ServiceUrl);
        DynamoDbLeaseStore store = table.Open();
        await store.PrepareAsync(Cancellation);
        Assert.True(await store.TryCreateAsync(
            new Lease { LeaseKey = "shard-1", StreamCreatedAt = s_created, StreamName = "orders" }, Cancellation));

        Lease lease = (await store.TakeAsync((await store.GetAsync("shard-1", Cancellation))!, "me", Cancellation)).Lease!;
        lease = (await store.UpdateAsync([new LeaseUpdate(lease, CheckpointPosition.Parse("7"))], Cancellation))[0].Lease!;
        await store.ReleaseAsync(lease, Cancellation);

        lease = (await store.GetAsync("shard-1", Cancellation))!;
        Assert.Equal((s_created, "orders"), (lease.StreamCreatedAt!.Value, lease.StreamName));
    }

    /// <summary>What a worker makes of these leases at its first list; null where it takes them for its own.</summary>
    private static Block? Judge(IReadOnlyList<Lease> leases, string stream, DateTimeOffset createdAt)
    {
        var settings = new LeaseTableState.Settings
        {
            WorkerId = "me",
            Session = "process",
            StreamName = stream,
            LeaseDuration = TimeSpan.FromSeconds(10),
            CheckpointInterval = TimeSpan.FromSeconds(5),
            ShardSyncInterval = TimeSpan.FromSeconds(30),
        };
        TimeSpan now = TimeSpan.FromSeconds(1);
        LeaseTableState state = LeaseMachine.Step(LeaseTableState.Create(settings, createdAt, 1, now), new LeaseEvent.Tick(), now).State;
        return LeaseMachine.Step(state, new LeaseEvent.TableListed(leases, now, ReadConsistency.Strong), now).Commands.OfType<Block>()
            .SingleOrDefault();
    }
}
