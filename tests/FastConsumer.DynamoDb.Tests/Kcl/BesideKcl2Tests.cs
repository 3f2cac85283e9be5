using System.Collections.Concurrent;
using System.Globalization;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb.Tests.Kcl;

/// <summary>Workers of KCL 2.x and of FastConsumer on one table, as while one replaces the other.</summary>
public sealed class BesideKcl2Tests(DynoxideServer server) : IClassFixture<DynoxideServer>, IAsyncLifetime
{
    private const string Shard = "shardId-000000000000";

    private TestTable _table = null!;
    private DynamoDbLeaseStore _store = null!;
    private Kcl2Worker _kcl = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _table = new TestTable(server.ServiceUrl);
        _store = _table.Open();
        _kcl = new Kcl2Worker(_table.Client, _table.Name, "kcl");
        await _store.PrepareAsync(Cancellation);
    }

    public ValueTask DisposeAsync() => _table.DisposeAsync();

    [Fact]
    public async Task They_take_turns_and_each_goes_on_where_the_other_stopped()
    {
        await _table.PutAsync(KclRows.Lease(Shard, 0, "TRIM_HORIZON", 0));
        for (int round = 1; round <= 5; round++)
        {
            // KCL takes it, works, and stops gracefully
            KclLease theirs = (await _kcl.TakeAsync(Assert.Single(await _kcl.ListAsync())))!;
            theirs = (await _kcl.CheckpointAsync((await _kcl.RenewAsync(theirs))!, $"{round}1", round))!;
            Assert.NotNull(await _kcl.EvictAsync(theirs));

            // FastConsumer does the same
            Lease mine = Assert.Single(await _store.ListAsync(Cancellation));
            Assert.Null(mine.Owner);
            Assert.Equal(CheckpointPosition.Parse($"{round}1", round), mine.Checkpoint);
            mine = Written(await _store.TakeAsync(mine, "fast", Cancellation));
            mine = Written(await UpdateAsync(mine, null));
            mine = Written(await UpdateAsync(mine, CheckpointPosition.Parse($"{round}2", round)));
            Written(await _store.ReleaseAsync(mine, Cancellation));

            KclLease free = Assert.Single(await _kcl.ListAsync());
            Assert.Equal((null, $"{round}2", round, 0), (free.Owner, free.Checkpoint, free.SubSequence, free.Switches));
        }
    }

    [Fact]
    public async Task Neither_writes_to_what_the_other_has_taken()
    {
        await _table.PutAsync(KclRows.Lease(Shard, 0, "5", 0));
        KclLease theirs = (await _kcl.TakeAsync(Assert.Single(await _kcl.ListAsync())))!;

        // it seems dead, and is not
        Lease mine = Written(await _store.TakeAsync(await GetAsync(), "fast", Cancellation));
        Assert.Equal(1, mine.OwnerSwitchesSinceCheckpoint);
        Assert.Null(await _kcl.RenewAsync(theirs));
        Assert.Null(await _kcl.CheckpointAsync(theirs, "9", 0));
        Assert.Null(await _kcl.EvictAsync(theirs));

        // it steals the lease back: by counter, as it balances the load
        mine = Written(await UpdateAsync(mine, CheckpointPosition.Parse("6")));
        theirs = (await _kcl.TakeAsync(Assert.Single(await _kcl.ListAsync())))!;
        Assert.Equal("6", theirs.Checkpoint);
        foreach (LeaseWriteResult refused in new[]
        {
            await UpdateAsync(mine, null),
            await UpdateAsync(mine, CheckpointPosition.Parse("7")),
            await _store.ReleaseAsync(mine, Cancellation),
        })
        {
            Assert.Equal((LeaseWriteOutcome.Refused, "kcl"), (refused.Outcome, refused.Lease!.Owner));
        }

        // in a batch as well
        Lease other = new() { LeaseKey = "shardId-000000000001", LeaseOwner = "fast" };
        Assert.True(await _store.TryCreateAsync(other, Cancellation));
        IReadOnlyList<LeaseWriteResult> results = await _store.UpdateAsync(
            [new LeaseUpdate(mine, CheckpointPosition.Parse("7")), new LeaseUpdate(other, CheckpointPosition.Parse("8"))], Cancellation);
        Assert.Equal([LeaseWriteOutcome.Refused, LeaseWriteOutcome.Written], results.Select(static result => result.Outcome));
        Assert.NotNull(await _kcl.CheckpointAsync(theirs, "8", 0));
    }

    [Fact]
    public async Task KCL_writes_past_what_FastConsumer_workers_tell_each_other()
    {
        Assert.True(await _store.TryCreateAsync(new Lease { LeaseKey = Shard }, Cancellation));
        Lease mine = Written(await _store.TakeAsync(await GetAsync(), "fast", Cancellation));
        Written(await _store.RequestAsync(mine, "faster", Cancellation));
        Assert.True(await _store.RingAsync(Shard, "fast", "faster/1", Cancellation));

        // it steals the lease, goes on, and is not seen as one that can be asked
        KclLease theirs = (await _kcl.TakeAsync(Assert.Single(await _kcl.ListAsync())))!;
        theirs = (await _kcl.RenewAsync(theirs))!;
        theirs = (await _kcl.CheckpointAsync(theirs, "7", 0))!;
        Lease row = await GetAsync();
        Assert.Equal(("kcl", false, "fast", "faster"), (row.Owner, row.IsHeldByFastConsumer, row.TakenBy, row.RequestedBy));
        Assert.Equal(LeaseWriteOutcome.Refused, (await _store.ReleaseAsync(mine, "faster", Cancellation)).Outcome);

        // a lease given to a worker that does not come is any lease to it
        Assert.NotNull(await _kcl.EvictAsync(theirs));
        mine = Written(await _store.TakeAsync(await GetAsync(), "fast", Cancellation));
        Written(await _store.ReleaseAsync(mine, "faster", Cancellation));
        theirs = Assert.Single(await _kcl.ListAsync());
        Assert.Equal("faster", theirs.Owner);
        theirs = (await _kcl.TakeAsync(theirs))!;
        Assert.Equal(("kcl", "7"), (theirs.Owner, theirs.Checkpoint));
    }

    [Fact]
    public async Task Working_at_once_they_never_both_own_a_write()
    {
        const int shards = 6;
        const int rounds = 40;
        for (int i = 0; i < shards; i++)
        {
            await _table.PutAsync(KclRows.Lease($"shard-{i}", 0, "0", 0));
        }

        // every write that took effect: of which lease, with which counter, by whom, with which checkpoint
        ConcurrentBag<(string Key, long Counter, string By, string Checkpoint)> writes = [];
        await Task.WhenAll(RunKclAsync("kcl-1", 1), RunKclAsync("kcl-2", 2), RunFastAsync("fast-1", 3), RunFastAsync("fast-2", 4));

        foreach (KclLease row in await _kcl.ListAsync())
        {
            var own = writes.Where(write => write.Key == row.Key).OrderBy(static write => write.Counter).ToList();
            // no counter is missing and none is there twice: each write followed on the one before
            Assert.Equal(
                Enumerable.Range(1, (int)row.Counter).Select(static counter => (long)counter), own.Select(static write => write.Counter));
            Assert.Equal(own[^1].Checkpoint, row.Checkpoint);
            // and each worker saw the checkpoint of the one before it
            IEnumerable<long> checkpoints = own.Select(static write => long.Parse(write.Checkpoint, CultureInfo.InvariantCulture));
            Assert.Equal(checkpoints.Order(), checkpoints);
        }

        Assert.Contains(writes, static write => write.By.StartsWith("kcl", StringComparison.Ordinal));
        Assert.Contains(writes, static write => write.By.StartsWith("fast", StringComparison.Ordinal));

        async Task RunKclAsync(string name, int seed)
        {
            var worker = new Kcl2Worker(_table.Client, _table.Name, name);
            var random = new Random(seed);
            Dictionary<string, KclLease> held = [];
            for (int round = 0; round < rounds; round++)
            {
                foreach (KclLease lease in held.Values.ToList())
                {
                    KclLease? next = random.Next(3) switch
                    {
                        0 => await worker.RenewAsync(lease),
                        1 => await worker.CheckpointAsync(lease, Next(lease.Checkpoint), 0),
                        _ => await worker.EvictAsync(lease),
                    };
                    Note(next);
                }

                KclLease[] others = [.. (await worker.ListAsync()).Where(lease => !held.ContainsKey(lease.Key))];
                if (others.Length > 0)
                {
                    Note(await worker.TakeAsync(others[random.Next(others.Length)]));
                }

                held = held.Where(pair => pair.Value.Owner == name).ToDictionary();
            }

            void Note(KclLease? written)
            {
                if (written is not null)
                {
                    writes.Add((written.Key, written.Counter, name, written.Checkpoint));
                    held[written.Key] = written;
                }
                else
                {
                    // whichever it was, the next look at the table tells
                    held = [];
                }
            }
        }

        async Task RunFastAsync(string name, int seed)
        {
            DynamoDbLeaseStore store = _table.Open();
            var random = new Random(seed);
            Dictionary<string, Lease> held = [];
            for (int round = 0; round < rounds; round++)
            {
                LeaseUpdate[] updates = [.. held.Values.Select(lease => new LeaseUpdate(
                    lease, random.Next(2) == 0 ? null : CheckpointPosition.Parse(Next(lease.Checkpoint.ToCheckpointString()))))];
                foreach (LeaseWriteResult result in await store.UpdateAsync(updates, Cancellation))
                {
                    Note(result);
                }

                foreach (Lease lease in held.Values.Where(_ => random.Next(4) == 0).ToList())
                {
                    Note(await store.ReleaseAsync(lease, Cancellation));
                }

                Lease[] others = [.. (await store.ListAsync(Cancellation)).Where(lease => !held.ContainsKey(lease.LeaseKey))];
                if (others.Length > 0)
                {
                    Note(await store.TakeAsync(others[random.Next(others.Length)], name, Cancellation));
                }
            }

            void Note(LeaseWriteResult result)
            {
                if (result is { Outcome: LeaseWriteOutcome.Written, Lease: { } written })
                {
                    writes.Add((written.LeaseKey, written.LeaseCounter, name, written.Checkpoint.ToCheckpointString()));
                }

                if (result is { Outcome: LeaseWriteOutcome.Written, Lease: { } mine } && mine.LeaseOwner == name)
                {
                    held[mine.LeaseKey] = mine;
                }
                else
                {
                    held.Remove(result.Lease!.LeaseKey);
                }
            }
        }
    }

    private static string Next(string checkpoint) => $"{long.Parse(checkpoint, CultureInfo.InvariantCulture) + 1}";

    private static Lease Written(LeaseWriteResult result)
    {
        Assert.Equal(LeaseWriteOutcome.Written, result.Outcome);
        return result.Lease!;
    }

    private async Task<LeaseWriteResult> UpdateAsync(Lease held, CheckpointPosition? checkpoint) =>
        Assert.Single(await _store.UpdateAsync([new LeaseUpdate(held, checkpoint)], Cancellation));

    private async Task<Lease> GetAsync() => (await _store.GetAsync(Shard, Cancellation))!;
}
