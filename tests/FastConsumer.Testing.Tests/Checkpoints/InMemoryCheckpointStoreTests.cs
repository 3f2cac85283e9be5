using System.Buffers;
using FastConsumer.Checkpoints;
using FastConsumer.Testing.Checkpoints;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Testing.Tests.Checkpoints;

public sealed class InMemoryCheckpointStoreTests
{
    private readonly InMemoryCheckpointDatabase _database = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Calls_fail_as_often_as_they_are_told_to()
    {
        var store = new InMemoryCheckpointStore(_database);
        store.FailNext(CheckpointOperation.Create, 2);
        Assert.True((await FailsAsync(() => CreateAsync(store))).IsTransient);
        Assert.True((await FailsAsync(() => CreateAsync(store))).IsTransient);
        Assert.Empty(_database.Snapshot());
        await CreateAsync(store);

        store.FailNext(CheckpointOperation.Read);
        await FailsAsync(() => store.ReadAsync("a", 0, new byte[3], Cancellation));
        await store.ReadAsync("a", 0, new byte[3], Cancellation);
        store.FailNext(CheckpointOperation.List);
        await FailsAsync(async () => await ListAsync(store));
        Assert.Equal([new CheckpointObject("a", 3)], await ListAsync(store));
        store.FailNext(CheckpointOperation.Prepare);
        await FailsAsync(() => store.PrepareAsync(Cancellation));
        store.FailNext(CheckpointOperation.Delete, int.MaxValue);
        await FailsAsync(() => store.DeleteAsync("a", Cancellation));
        await FailsAsync(() => store.DeleteAsync("a", Cancellation));
        store.ClearFaults();
        await store.DeleteAsync("a", Cancellation);
        Assert.Empty(_database.Snapshot());
    }

    [Fact]
    public async Task A_lost_answer_comes_after_the_effect()
    {
        var store = new InMemoryCheckpointStore(_database);
        store.LoseNextAnswer(CheckpointOperation.Create);
        Assert.True((await FailsAsync(() => CreateAsync(store))).IsTransient);
        Assert.Single(_database.Snapshot());
        await CreateAsync(store);

        store.LoseNextAnswer(CheckpointOperation.Delete);
        await FailsAsync(() => store.DeleteAsync("a", Cancellation));
        Assert.Empty(_database.Snapshot());
    }

    [Fact]
    public async Task What_is_denied_stays_denied()
    {
        var store = new InMemoryCheckpointStore(_database);
        store.Deny(CheckpointOperation.Create);
        Assert.False((await FailsAsync(() => CreateAsync(store))).IsTransient);
        Assert.False((await FailsAsync(() => CreateAsync(store))).IsTransient);
        await CreateAsync(new InMemoryCheckpointStore(_database));
        store.ClearFaults();
        await CreateAsync(store);
    }

    [Fact]
    public async Task Objects_are_damaged_from_outside()
    {
        var store = new InMemoryCheckpointStore(_database);
        await CreateAsync(store);
        _database.Alter("a", 1);
        byte[] read = new byte[3];
        await store.ReadAsync("a", 0, read, Cancellation);
        Assert.Equal([1, 2 ^ 0xFF, 3], read);

        _database.Truncate("a", 2);
        CheckpointObjectTooShortException tooShort = await Assert.ThrowsAsync<CheckpointObjectTooShortException>(
            () => store.ReadAsync("a", 0, read, Cancellation));
        Assert.Equal((2, 3), (tooShort.Length, tooShort.NeededLength));
        Assert.Throws<ArgumentOutOfRangeException>(() => _database.Alter("a", 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => _database.Truncate("a", 3));
        Assert.Throws<KeyNotFoundException>(() => _database.Alter("b", 0));
        _database.Put("not a name", [1]);
        Assert.Equal([new CheckpointObject("a", 2)], await ListAsync(store));
    }

    [Fact]
    public async Task Hosts_share_the_store_that_they_are_given()
    {
        var store = new InMemoryCheckpointStore();
        await using ServiceProvider first = Host(store);
        await using ServiceProvider second = Host(store);
        await using ServiceProvider other = Host(null);

        Assert.Same(Store(first), Store(second));
        Assert.NotSame(Store(first), Store(other));

        static ServiceProvider Host(InMemoryCheckpointStore? store)
        {
            var services = new ServiceCollection();
            services.AddFastConsumer("second", static options => options.ApplicationName = "orders").UseInMemoryCheckpoints(store);
            return services.BuildServiceProvider();
        }

        static ICheckpointStore Store(ServiceProvider host) => host.GetRequiredKeyedService<ICheckpointStore>("second");
    }

    private static Task CreateAsync(InMemoryCheckpointStore store) =>
        store.CreateAsync("a", new ReadOnlySequence<byte>([1, 2, 3]), Cancellation);

    private static Task<CheckpointStoreException> FailsAsync(Func<Task> call) => Assert.ThrowsAsync<CheckpointStoreException>(call);

    private static async Task<List<CheckpointObject>> ListAsync(InMemoryCheckpointStore store)
    {
        List<CheckpointObject> found = [];
        await foreach (CheckpointObject one in store.ListAsync("", Cancellation))
        {
            found.Add(one);
        }

        return found;
    }
}
