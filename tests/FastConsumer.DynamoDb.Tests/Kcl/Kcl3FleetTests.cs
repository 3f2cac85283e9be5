using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer.DynamoDb.Tests.Faults;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;
using FastConsumer.Testing;

namespace FastConsumer.DynamoDb.Tests.Kcl;

/// <summary>A running fleet of KCL 3.x is refused, whatever it shows itself by; what one left behind is not.</summary>
public sealed class Kcl3FleetTests(DynoxideServer server) : IClassFixture<DynoxideServer>, IAsyncLifetime
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private readonly ManualClock _clock = new(s_now);
    private readonly List<string> _sideTables = [];
    private TestTable _table = null!;

    public static TheoryData<string> Signs => ["metrics row", "leader row", "metrics table", "leader table", "throughput"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _table = new TestTable(server.ServiceUrl);
        await _table.Open().PrepareAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (string name in _sideTables)
        {
            await _table.Client.DeleteTableAsync(name, CancellationToken.None);
        }

        await _table.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Signs))]
    public async Task A_running_fleet_is_refused(string sign)
    {
        Func<int, Task> write = await FleetAsync(sign);
        await write(0);

        (Exception? exception, _) = await PrepareAsync(_table.Open(timeProvider: _clock), write);

        LeaseStoreException refused = Assert.IsType<LeaseStoreException>(exception);
        Assert.False(refused.IsTransient);
        Assert.Contains("Stop the KCL 3.x workers first", refused.Message, StringComparison.Ordinal);
        Assert.Contains("AllowKcl3Fleet", refused.Message, StringComparison.Ordinal);
        Assert.Contains(_table.Name, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Signs))]
    public async Task A_fleet_that_has_just_stopped_is_waited_out(string sign)
    {
        Func<int, Task> write = await FleetAsync(sign);
        await write(0);
        var log = new CollectedLog();

        (Exception? exception, TimeSpan waited) = await PrepareAsync(_table.Open(timeProvider: _clock, logger: log), null);

        Assert.Null(exception);
        // longer than a fleet keeps still
        Assert.True(waited >= TimeSpan.FromSeconds(sign == "throughput" ? 10 : 45), $"It took {waited}.");
        Assert.Single(log.Messages(4004));
    }

    [Theory]
    [InlineData("metrics row")]
    [InlineData("metrics table")]
    public async Task What_a_fleet_left_long_ago_costs_no_time(string sign)
    {
        Func<int, Task> write = await FleetAsync(sign, s_now.AddHours(-2));
        await write(0);
        await _table.PutAsync(KclRows.Leader());

        (Exception? exception, TimeSpan waited) = await PrepareAsync(_table.Open(timeProvider: _clock), null);

        Assert.Null(exception);
        Assert.Equal(TimeSpan.Zero, waited);
    }

    [Theory]
    [InlineData("1.x")]
    [InlineData("2.x")]
    public async Task Older_fleets_are_no_trouble(string version)
    {
        foreach (Dictionary<string, AttributeValue> row in KclRows.Table(version))
        {
            await _table.PutAsync(row);
        }

        (Exception? exception, TimeSpan waited) = await PrepareAsync(_table.Open(timeProvider: _clock), null);

        Assert.Null(exception);
        Assert.Equal(TimeSpan.Zero, waited);
    }

    [Fact]
    public async Task A_2x_fleet_on_a_table_that_3x_once_used_is_no_trouble()
    {
        await FleetAsync("throughput");
        await _table.PutAsync(new(KclRows.Lease("shard", 1, "7", 0, owner: "kcl")) { ["throughputKBps"] = new() { N = "3" } });
        var kcl = new Kcl2Worker(_table.Client, _table.Name, "kcl");

        (Exception? exception, _) = await PrepareAsync(
            _table.Open(timeProvider: _clock), async _ => Assert.NotNull(await kcl.RenewAsync(Assert.Single(await kcl.ListAsync()))));

        Assert.Null(exception);
    }

    [Fact]
    public async Task A_fleet_that_starts_later_is_noticed_and_so_is_its_end()
    {
        Func<int, Task> write = await FleetAsync("metrics row", s_now.AddHours(-2));
        await write(0);
        DynamoDbLeaseStore store = _table.Open(timeProvider: _clock);
        await store.PrepareAsync(Cancellation);
        await store.ListAsync(Cancellation);

        await write(1);
        Assert.False((await Assert.ThrowsAsync<LeaseStoreException>(() => store.ListAsync(Cancellation))).IsTransient);
        _clock.Advance(TimeSpan.FromSeconds(30));
        await Assert.ThrowsAsync<LeaseStoreException>(() => store.ListAsync(Cancellation));
        await write(2);
        await Assert.ThrowsAsync<LeaseStoreException>(() => store.ListAsync(Cancellation));

        _clock.Advance(TimeSpan.FromSeconds(46));
        Assert.Empty(await store.ListAsync(Cancellation));
    }

    [Fact]
    public async Task FastConsumer_workers_do_not_take_each_other_for_a_fleet()
    {
        foreach (Dictionary<string, AttributeValue> row in KclRows.Table("3.5"))
        {
            await _table.PutAsync(row);
        }

        DynamoDbLeaseStore one = _table.Open(timeProvider: _clock);
        DynamoDbLeaseStore two = _table.Open(timeProvider: _clock);
        await one.PrepareAsync(Cancellation);
        foreach (Lease lease in await one.ListAsync(Cancellation))
        {
            Lease mine = (await one.TakeAsync(lease, "one", Cancellation)).Lease!;
            await one.UpdateAsync([new LeaseUpdate(mine, CheckpointPosition.Parse("9"))], Cancellation);
        }

        await two.PrepareAsync(Cancellation);
        foreach (Lease lease in await two.ListAsync(Cancellation))
        {
            await two.TakeAsync(lease, "two", Cancellation);
        }

        Assert.NotEmpty(await one.ListAsync(Cancellation));
    }

    [Fact]
    public async Task It_may_be_overridden()
    {
        Func<int, Task> write = await FleetAsync("metrics row");
        await write(0);
        DynamoDbLeaseStore store = _table.Open(static options => options.AllowKcl3Fleet = true, _clock);

        await store.PrepareAsync(Cancellation);
        await store.ListAsync(Cancellation);
        await write(1);

        await store.ListAsync(Cancellation);
    }

    [Fact]
    public async Task Tables_that_may_not_be_read_are_done_without()
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using var table = new TestTable(proxy.ServiceUrl);
        var log = new CollectedLog();
        await table.Open().PrepareAsync(Cancellation);
        // the lease table, and the two others
        string denied = """{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"not authorized"}""";
        proxy.Answer("Scan", (200, """{"Items":[],"Count":0,"ScannedCount":0}"""), (400, denied), (400, denied));

        await table.Open(logger: log).PrepareAsync(Cancellation);

        Assert.Equal(2, log.Messages(4005).Length);
    }

    /// <summary>What writes a fleet's sign, each time another one.</summary>
    private async Task<Func<int, Task>> FleetAsync(string sign, DateTimeOffset? updatedAt = null)
    {
        long seconds = (updatedAt ?? s_now).ToUnixTimeSeconds();
        switch (sign)
        {
            case "metrics row":
                return n => _table.PutAsync(KclRows.WorkerMetrics("worker-1", seconds + n));
            case "leader row":
                return n => _table.PutAsync(new(KclRows.Leader()) { ["recordVersionNumber"] = new($"{n}") });
            case "metrics table":
                string metrics = await CreateAsync("-WorkerMetricStats", "wid");
                return n => PutAsync(metrics, new() { ["wid"] = new("worker-1"), ["lut"] = KclRows.Number(seconds + n) });
            case "leader table":
                string coordinator = await CreateAsync("-CoordinatorState", "key");
                await PutAsync(coordinator, new() { ["key"] = new("Migration3.0"), ["cv"] = new("CLIENT_VERSION_3X") });
                return n => PutAsync(coordinator, new() { ["key"] = new("Leader"), ["recordVersionNumber"] = new($"{n}") });
            default:
                await _table.Client.DeleteTableAsync(_table.Name, Cancellation);
                await _table.Client.CreateTableAsync(
                    new CreateTableRequest
                    {
                        TableName = _table.Name,
                        KeySchema = [new KeySchemaElement("leaseKey", KeyType.HASH)],
                        AttributeDefinitions =
                        [
                            new AttributeDefinition("leaseKey", ScalarAttributeType.S),
                            new AttributeDefinition("leaseOwner", ScalarAttributeType.S),
                        ],
                        BillingMode = BillingMode.PAY_PER_REQUEST,
                        GlobalSecondaryIndexes =
                        [
                            new GlobalSecondaryIndex
                            {
                                IndexName = "LeaseOwnerToLeaseKeyIndex",
                                KeySchema = [
                                    new KeySchemaElement("leaseOwner", KeyType.HASH), new KeySchemaElement("leaseKey", KeyType.RANGE)],
                                Projection = new Projection { ProjectionType = ProjectionType.KEYS_ONLY },
                            },
                        ],
                    },
                    Cancellation);
                return n => _table.PutAsync(
                    new(KclRows.Lease("shard", n, "7", 0, owner: "worker-1")) { ["throughputKBps"] = new() { N = $"{n}.5" } });
        }
    }

    private async Task<string> CreateAsync(string suffix, string key)
    {
        string name = _table.Name + suffix;
        await _table.Client.CreateTableAsync(
            new CreateTableRequest
            {
                TableName = name,
                KeySchema = [new KeySchemaElement(key, KeyType.HASH)],
                AttributeDefinitions = [new AttributeDefinition(key, ScalarAttributeType.S)],
                BillingMode = BillingMode.PAY_PER_REQUEST,
            },
            Cancellation);
        _sideTables.Add(name);
        return name;
    }

    private async Task PutAsync(string tableName, Dictionary<string, AttributeValue> row) =>
        await _table.Client.PutItemAsync(new PutItemRequest { TableName = tableName, Item = row }, Cancellation);

    /// <summary>Prepares while the clock goes on: what it threw, and how much time went by.</summary>
    private async Task<(Exception? Exception, TimeSpan Waited)> PrepareAsync(DynamoDbLeaseStore store, Func<int, Task>? fleet)
    {
        DateTimeOffset started = _clock.GetUtcNow();
        Task prepare = store.PrepareAsync(Cancellation);
        for (int n = 1; !prepare.IsCompleted; n++)
        {
            if (_clock.NextDue is null)
            {
                await Task.WhenAny(prepare, Task.Delay(10, Cancellation));
                continue;
            }

            if (fleet is not null)
            {
                await fleet(n);
            }

            _clock.AdvanceToNextTimer();
        }

        return (await Record.ExceptionAsync(() => prepare), _clock.GetUtcNow() - started);
    }
}
