using FastConsumer.Leases;
using FastConsumer.Testing.Leases;

namespace FastConsumer.DynamoDb.Tests.Conformance;

public sealed class InMemoryLeaseStoreTests : LeaseOperationsConformance
{
    private readonly InMemoryLeaseDatabase _database = new();

    protected override ILeaseStore Open() => new InMemoryLeaseStore(_database, "billing");

    protected override Task PutAsync(Lease lease)
    {
        _database.Put("billing", lease);
        return Task.CompletedTask;
    }

    protected override ValueTask DeleteTableAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Tables_are_apart()
    {
        await Create(Unowned());
        await using var other = new InMemoryLeaseStore(_database, "shipping");
        await other.PrepareAsync(Cancellation);

        Assert.Empty(await other.ListAsync(Cancellation));
        Assert.Equal(["billing", "shipping"], _database.TableNames);
        Assert.Single(_database.Snapshot("billing"));
        Assert.Empty(_database.Snapshot("none"));
        Assert.DoesNotContain("none", _database.TableNames);
    }

    [Fact]
    public async Task A_snapshot_does_not_change_afterwards()
    {
        Lease free = await Create(Unowned());
        IReadOnlyList<Lease> before = _database.Snapshot("billing");

        await Store.TakeAsync(free, "me", Cancellation);

        Assert.Null(Assert.Single(before).LeaseOwner);
        Assert.Equal("me", Assert.Single(_database.Snapshot("billing")).LeaseOwner);
    }

    [Fact]
    public async Task What_is_asked_of_the_table_is_counted_and_its_limit_is_told()
    {
        var store = new InMemoryLeaseStore(_database, "metered");
        IMeteredLeaseStore metered = store;
        Assert.Equal(default, metered.Use);
        Assert.Equal(new LeaseTableLimits(null, null), await metered.DescribeThroughputAsync(Cancellation));

        _database.WriteUnitsPerSecond = 1;
        Assert.Equal(new LeaseTableLimits(1, null), await metered.DescribeThroughputAsync(Cancellation));
        Assert.Equal(LeaseWrite.Outcome.Written, (await store.CreateAsync(new Lease { LeaseKey = "shardId-1" }, Cancellation)).Outcome);
        _database.WriteUnitsPerSecond = null;
        _database.Put("metered", "shardId-2", new Dictionary<string, Lease.Value> { ["note"] = new string('x', 1500) });
        Assert.Equal(
            LeaseWrite.Outcome.Written,
            (await store.WriteAsync(
                [
                    new LeaseWrite
                    {
                        LeaseKey = "shardId-2",
                        If = new Dictionary<string, Lease.Value?>(),
                        Set = new Dictionary<string, Lease.Value> { [Lease.Names.LeaseCounter] = 1 },
                    },
                ],
                Cancellation))[0].Outcome);
        Assert.Equal(2, (await store.ListAsync(ReadConsistency.Strong, Cancellation)).Count);
        Assert.Single(await store.GetManyAsync(["shardId-1"], ReadConsistency.Eventual, Cancellation));

        Assert.Equal(new LeaseTableUse(Requests: 4, WriteUnits: 3, ReadUnits: 1.5, Throttled: 0), metered.Use);
    }

    [Fact]
    public async Task What_is_throttled_is_counted_and_costs_nothing()
    {
        var frozen = new InMemoryLeaseDatabase(new FastConsumer.Testing.ManualClock()) { WriteUnitsPerSecond = 1 };
        var store = new InMemoryLeaseStore(frozen, "metered");
        for (int i = 0; i < 3; i++)
        {
            await store.CreateAsync(new Lease { LeaseKey = $"shardId-{i}" }, Cancellation);
        }

        Assert.Equal(new LeaseTableUse(Requests: 3, WriteUnits: 1, ReadUnits: 0, Throttled: 2), ((IMeteredLeaseStore)store).Use);
    }
}
