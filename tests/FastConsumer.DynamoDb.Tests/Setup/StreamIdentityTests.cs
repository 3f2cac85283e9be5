using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;

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

        StreamIdentity.Require(leases, "orders", s_created, store.Description);
        // another protocol, or server, cuts it to seconds
        StreamIdentity.Require(leases, "orders", s_created.AddMilliseconds(-250), store.Description);
        StreamIdentity.Require([], "orders", s_created, store.Description);

        foreach (int days in new[] { 1, -1 })
        {
            LeaseStoreException exception = Assert.Throws<LeaseStoreException>(
                () => StreamIdentity.Require(leases, "orders", s_created.AddDays(days), store.Description));
            Assert.False(exception.IsTransient);
            foreach (string part in (string[])["'orders'", "2026-03-01T08:30:00Z", days > 0 ? "2026-03-02" : "2026-02-28", table.Name, "another application name", "delete the table"])
            {
                Assert.Contains(part, exception.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Another_stream_is_refused_by_its_name()
    {
        await using var table = new TestTable(server.ServiceUrl);
        DynamoDbLeaseStore store = table.Open();
        await store.PrepareAsync(Cancellation);
        Assert.True(await store.TryCreateAsync(new Lease { LeaseKey = "shard-0" }, Cancellation));
        Assert.True(await store.TryCreateAsync(new Lease { LeaseKey = "shard-1", StreamCreatedAt = s_created, StreamName = "orders" }, Cancellation));
        IReadOnlyList<Lease> leases = await store.ListAsync(Cancellation);

        StreamIdentity.Require(leases, "orders", s_created, store.Description);
        LeaseStoreException exception = Assert.Throws<LeaseStoreException>(() => StreamIdentity.Require(leases, "payments", s_created, store.Description));
        Assert.False(exception.IsTransient);
        foreach (string part in (string[])["'orders'", "'payments'", "shard-1", table.Name, "FastConsumer:ApplicationName"])
        {
            Assert.Contains(part, exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task It_outlives_all_other_writes()
    {
        await using var table = new TestTable(server.ServiceUrl);
        DynamoDbLeaseStore store = table.Open();
        await store.PrepareAsync(Cancellation);
        Assert.True(await store.TryCreateAsync(new Lease { LeaseKey = "shard-1", StreamCreatedAt = s_created, StreamName = "orders" }, Cancellation));

        Lease lease = (await store.TakeAsync((await store.GetAsync("shard-1", Cancellation))!, "me", Cancellation)).Lease!;
        lease = (await store.UpdateAsync([new LeaseUpdate(lease, CheckpointPosition.Parse("7"))], Cancellation))[0].Lease!;
        await store.ReleaseAsync(lease, Cancellation);

        lease = (await store.GetAsync("shard-1", Cancellation))!;
        Assert.Equal((s_created, "orders"), (lease.StreamCreatedAt!.Value, lease.StreamName));
    }
}
