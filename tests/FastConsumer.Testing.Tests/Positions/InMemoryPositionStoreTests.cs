using FastConsumer.Testing.Positions;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Testing.Tests.Positions;

public sealed class InMemoryPositionStoreTests
{
    private static readonly PositionKey s_key = new("orders", "arn", DateTimeOffset.UnixEpoch, "shardId-000000000000");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_transaction_of_another_store_is_refused()
    {
        var database = new InMemoryPositionDatabase();
        var store = new InMemoryPositionStore(database);
        InMemoryTransaction transaction = await new InMemoryPositionStore(database).BeginAsync(Cancellation);

        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(() => store.CommitAsync(
            transaction, s_key, new StoredPosition(1, 0, null), CheckpointPosition.Latest, Cancellation));

        Assert.Contains("begun by another store", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_transaction_that_is_over_takes_no_more()
    {
        var store = new InMemoryPositionStore();
        InMemoryTransaction transaction = await store.BeginAsync(Cancellation);
        await store.EndAsync(transaction);

        InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => transaction.Add(static () => { }));
        Assert.Contains("The transaction is over", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.CommitAsync(
            transaction, s_key, new StoredPosition(1, 0, null), CheckpointPosition.Latest, Cancellation));
    }

    [Fact]
    public async Task A_number_that_does_not_follow_is_refused()
    {
        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(() => new InMemoryPositionStore().SetAsync(
            s_key, new StoredPosition(1, 4, null), new StoredPosition(1, 4, null), Cancellation));

        Assert.StartsWith("Number 4 does not follow 4: give 5.", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_are_seen_and_put_from_outside()
    {
        var database = new InMemoryPositionDatabase();
        var row = new StoredPosition(2, 7, CheckpointPosition.ShardEnd);
        database.Put(s_key, row);

        Assert.Equal(row, await new InMemoryPositionStore(database).ReadAsync(s_key, Cancellation));
        Assert.Equal(row, Assert.Single(database.Snapshot()).Value);
        database.Put(s_key, null);
        Assert.Empty(database.Snapshot());
    }

    [Fact]
    public async Task Hosts_share_the_store_that_they_are_given()
    {
        var store = new InMemoryPositionStore();
        await using ServiceProvider first = Host(store);
        await using ServiceProvider second = Host(store);
        await using ServiceProvider other = Host(null);

        Assert.Same(Store(first), Store(second));
        Assert.NotSame(Store(first), Store(other));

        static ServiceProvider Host(InMemoryPositionStore? store)
        {
            var services = new ServiceCollection();
            services.AddFastConsumer(static options => options.ApplicationName = "orders").UseInMemoryPositions(store);
            return services.BuildServiceProvider();
        }

        static IPositionStore<InMemoryTransaction> Store(ServiceProvider host) =>
            host.GetRequiredService<IPositionStore<InMemoryTransaction>>();
    }
}
