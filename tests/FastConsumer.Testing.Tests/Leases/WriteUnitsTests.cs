using FastConsumer.Leases;
using FastConsumer.Testing.Leases;

namespace FastConsumer.Testing.Tests.Leases;

/// <summary>The write units of leases in memory: a bucket of one second's units on the clock that is given.</summary>
public sealed class WriteUnitsTests : IAsyncDisposable
{
    private const string Table = "billing";

    private readonly ManualClock _clock = new();
    private readonly InMemoryLeaseDatabase _database;
    private readonly InMemoryLeaseStore _store;

    public WriteUnitsTests()
    {
        _database = new InMemoryLeaseDatabase(_clock);
        _store = new InMemoryLeaseStore(_database, Table);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Without_a_limit_nothing_is_throttled()
    {
        Assert.Null(_database.WriteUnitsPerSecond);

        Assert.Equal(Enumerable.Repeat(LeaseWrite.Outcome.Written, 500), await CreateAsync(500));
    }

    [Fact]
    public async Task A_second_has_so_many_units_and_they_come_back_evenly()
    {
        _database.WriteUnitsPerSecond = 4;
        Assert.Equal(4, (await CreateAsync(10)).Count(static outcome => outcome == LeaseWrite.Outcome.Written));

        _clock.Advance(TimeSpan.FromMilliseconds(249));
        Assert.Equal([LeaseWrite.Outcome.NotWritten], await CreateAsync(1));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal([LeaseWrite.Outcome.Written, LeaseWrite.Outcome.NotWritten], await CreateAsync(2));

        // not more than one second's units are saved up
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(4, (await CreateAsync(10)).Count(static outcome => outcome == LeaseWrite.Outcome.Written));
    }

    [Fact]
    public async Task A_throttled_write_says_so_as_DynamoDB_does_and_changes_nothing()
    {
        Lease row = await PutAsync("shardId-1");
        _database.WriteUnitsPerSecond = 1;
        await SpendAsync();

        LeaseWrite.Result create = await _store.CreateAsync(new Lease { LeaseKey = "shardId-2" }, Cancellation);
        LeaseWrite.Result write = (await _store.WriteAsync([Count(row.LeaseKey, 1)], Cancellation))[0];
        LeaseWrite.Result delete = await _store.DeleteAsync(row, Cancellation);

        Assert.All(
            [create, write, delete],
            static result =>
            {
                Assert.Equal(LeaseWrite.Outcome.NotWritten, result.Outcome);
                var error = Assert.IsType<LeaseStoreException>(result.Error);
                Assert.True(error is { IsThrottled: true, IsTransient: true });
                Assert.Equal("TableWriteProvisionedThroughputExceeded", error.ThrottleReason);
                Assert.Contains("'billing'", error.Message, StringComparison.Ordinal);
            });
        Assert.Equal(row, Assert.Single(_database.Snapshot(Table), static lease => lease.LeaseKey == "shardId-1"));
        Assert.DoesNotContain(_database.Snapshot(Table), static lease => lease.LeaseKey == "shardId-2");
    }

    [Fact]
    public async Task Each_write_of_a_batch_pays_for_itself()
    {
        List<string> keys = [.. Enumerable.Range(1, 5).Select(static i => $"shardId-{i}")];
        foreach (string key in keys)
        {
            await PutAsync(key);
        }

        _database.WriteUnitsPerSecond = 3;

        IReadOnlyList<LeaseWrite.Result> results = await _store.WriteAsync([.. keys.Select(static key => Count(key, 1))], Cancellation);

        Assert.Equal(
            [LeaseWrite.Outcome.Written, LeaseWrite.Outcome.Written, LeaseWrite.Outcome.Written,
                LeaseWrite.Outcome.NotWritten, LeaseWrite.Outcome.NotWritten],
            results.Select(static result => result.Outcome));
        Assert.Equal([1, 1, 1, 0, 0], _database.Snapshot(Table).Select(static lease => lease.LeaseCounter));
    }

    [Fact]
    public async Task A_write_that_its_condition_refuses_costs_its_units()
    {
        Lease row = await PutAsync("shardId-1");
        _database.WriteUnitsPerSecond = 4;
        LeaseWrite refused = Count(row.LeaseKey, 9) with
        {
            If = new Dictionary<string, Lease.Value?> { [Lease.Names.LeaseCounter] = 8 },
        };

        Assert.Equal(LeaseWrite.Outcome.Refused, (await _store.CreateAsync(row, Cancellation)).Outcome);
        Assert.Equal(LeaseWrite.Outcome.Refused, (await _store.WriteAsync([refused], Cancellation))[0].Outcome);
        Assert.Equal(
            LeaseWrite.Outcome.Refused,
            (await _store.WriteAsync([refused with { LeaseKey = "shardId-2" }], Cancellation))[0].Outcome);
        Assert.Equal(LeaseWrite.Outcome.Refused, (await _store.DeleteAsync(row with { LeaseCounter = 8 }, Cancellation)).Outcome);

        Assert.Equal(LeaseWrite.Outcome.NotWritten, (await _store.DeleteAsync(row, Cancellation)).Outcome);
    }

    [Fact]
    public async Task A_row_costs_a_unit_for_each_started_KB_and_is_written_by_a_full_bucket_at_least()
    {
        Lease small = await PutAsync("shardId-1");
        Lease large = await PutAsync("shardId-2", noteBytes: 1500);
        _database.WriteUnitsPerSecond = 3;

        // two units, then one
        Assert.Equal(LeaseWrite.Outcome.Written, (await _store.WriteAsync([Count(large.LeaseKey, 1)], Cancellation))[0].Outcome);
        Assert.Equal(LeaseWrite.Outcome.Written, (await _store.WriteAsync([Count(small.LeaseKey, 1)], Cancellation))[0].Outcome);
        Assert.Equal(LeaseWrite.Outcome.NotWritten, (await _store.WriteAsync([Count(small.LeaseKey, 2)], Cancellation))[0].Outcome);

        // five units of three a second: what is missing is paid later
        Lease huge = await PutAsync("shardId-3", noteBytes: 4500);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(LeaseWrite.Outcome.Written, (await _store.WriteAsync([Count(huge.LeaseKey, 1)], Cancellation))[0].Outcome);
        _clock.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Equal(LeaseWrite.Outcome.NotWritten, (await _store.WriteAsync([Count(small.LeaseKey, 2)], Cancellation))[0].Outcome);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(LeaseWrite.Outcome.Written, (await _store.WriteAsync([Count(small.LeaseKey, 2)], Cancellation))[0].Outcome);
    }

    [Fact]
    public async Task The_limit_may_change_and_holds_for_each_table()
    {
        _database.WriteUnitsPerSecond = 1;
        Assert.Equal([LeaseWrite.Outcome.Written, LeaseWrite.Outcome.NotWritten], await CreateAsync(2));
        var other = new InMemoryLeaseStore(_database, "shipping");
        Assert.Equal(LeaseWrite.Outcome.Written, (await other.CreateAsync(new Lease { LeaseKey = "shardId-1" }, Cancellation)).Outcome);

        _database.WriteUnitsPerSecond = 2;
        Assert.Equal([LeaseWrite.Outcome.Written, LeaseWrite.Outcome.Written, LeaseWrite.Outcome.NotWritten], await CreateAsync(3));

        _database.WriteUnitsPerSecond = null;
        Assert.Equal([LeaseWrite.Outcome.Written, LeaseWrite.Outcome.Written], await CreateAsync(2));
    }

    [Fact]
    public async Task Reads_are_never_throttled()
    {
        await PutAsync("shardId-1");
        _database.WriteUnitsPerSecond = 1;
        await SpendAsync();

        Assert.Equal(2, (await _store.ListAsync(ReadConsistency.Strong, Cancellation)).Count);
        Assert.Single(await _store.GetManyAsync(["shardId-1"], ReadConsistency.Eventual, Cancellation));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_limit_below_one_unit_is_refused(int units) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _database.WriteUnitsPerSecond = units);

    private static LeaseWrite Count(string leaseKey, long counter) => new()
    {
        LeaseKey = leaseKey,
        If = new Dictionary<string, Lease.Value?>(),
        Set = new Dictionary<string, Lease.Value> { [Lease.Names.LeaseCounter] = counter },
    };

    private async Task<List<LeaseWrite.Outcome>> CreateAsync(int rows)
    {
        List<LeaseWrite.Outcome> outcomes = [];
        for (int i = 0; i < rows; i++)
        {
            var lease = new Lease { LeaseKey = $"shardId-{_database.Snapshot(Table).Count}" };
            outcomes.Add((await _store.CreateAsync(lease, Cancellation)).Outcome);
        }

        return outcomes;
    }

    /// <summary>A row that costs nothing.</summary>
    private async Task<Lease> PutAsync(string leaseKey, int noteBytes = 0)
    {
        var row = new Dictionary<string, Lease.Value>(new Lease { LeaseKey = leaseKey }.ToAttributes());
        if (noteBytes > 0)
        {
            row["note"] = new string('x', noteBytes);
        }

        _database.Put(Table, leaseKey, row);
        return (await _store.GetManyAsync([leaseKey], ReadConsistency.Strong, Cancellation))[0];
    }

    private async Task SpendAsync() =>
        Assert.Equal(
            LeaseWrite.Outcome.Written, (await _store.CreateAsync(new Lease { LeaseKey = "shardId-9" }, Cancellation)).Outcome);
}
