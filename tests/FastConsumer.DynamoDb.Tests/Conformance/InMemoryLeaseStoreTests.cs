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
}
