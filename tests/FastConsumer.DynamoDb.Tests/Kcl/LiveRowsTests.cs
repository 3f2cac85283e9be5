using System.Globalization;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;
using FastConsumer.Testing;

namespace FastConsumer.DynamoDb.Tests.Kcl;

/// <summary>Tables of live KCLs: taken over, refused while their fleet lives, and handed back.</summary>
public sealed class LiveRowsTests(DynoxideServer server) : IClassFixture<DynoxideServer>, IAsyncLifetime
{
    private readonly ManualClock _clock = new();
    private TestTable _table = null!;

    public static TheoryData<string> Tables =>
        [LiveRows.OneSplit, LiveRows.TwoNew, LiveRows.ThreeInsideAnAggregate, LiveRows.ThreeLive, LiveRows.ThreeSplit];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _table = new TestTable(server.ServiceUrl);
        await _table.Open().PrepareAsync(Cancellation);
    }

    public ValueTask DisposeAsync() => _table.DisposeAsync();

    [Theory]
    [InlineData(LiveRows.OneSplit, 4, 1)]
    [InlineData(LiveRows.TwoNew, 2, 0)]
    [InlineData(LiveRows.ThreeInsideAnAggregate, 1, 0)]
    [InlineData(LiveRows.ThreeLive, 4, 0)]
    [InlineData(LiveRows.ThreeSplit, 4, 1)]
    public async Task Every_lease_is_read_as_KCL_wrote_it(string table, int leases, int finished)
    {
        Dictionary<string, Dictionary<string, AttributeValue>> rows = await PutAsync(table);

        IReadOnlyList<Lease> read = await _table.Open().ListAsync(Cancellation);

        Assert.Equal(leases, read.Count);
        Assert.Equal(finished, read.Count(static lease => lease.IsFinished));
        Assert.All(read, lease =>
        {
            Dictionary<string, AttributeValue> row = rows[lease.LeaseKey];
            Assert.Null(lease.Problem);
            Assert.Equal(row["leaseCounter"].N, lease.LeaseCounter.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(row.GetValueOrDefault("leaseOwner")?.S, lease.Owner);
            Assert.Equal(row["checkpoint"].S, lease.Checkpoint.ToCheckpointString());
            Assert.Equal(row["checkpointSubSequenceNumber"].N, lease.Checkpoint.SubSequenceNumber.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(row["startingHashKey"].S, lease.HashKeyRange!.StartingHashKey.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(row["endingHashKey"].S, lease.HashKeyRange.EndingHashKey.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(row.GetValueOrDefault("parentShardId")?.SS.Order().ToArray() ?? [], lease.ParentShardIds);
            Assert.Equal(row.GetValueOrDefault("childShardIds")?.SS.Order().ToArray() ?? [], lease.ChildShardIds);
            Assert.Null(lease.Duration);
            Assert.False(lease.IsHeldByFastConsumer);
        });
    }

    [Fact]
    public async Task A_KCL_that_died_inside_an_aggregate_left_its_sub_sequence()
    {
        await PutAsync(LiveRows.ThreeInsideAnAggregate);

        Lease lease = Assert.Single(await _table.Open().ListAsync(Cancellation));

        Assert.Equal(CheckpointPosition.Parse("49680712830184659630866809499043714333157891269197824002", 22), lease.Checkpoint);
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public async Task What_was_taken_over_is_handed_back_with_all_that_KCL_needs_and_had(string table)
    {
        Dictionary<string, Dictionary<string, AttributeValue>> before = await PutAsync(table);
        DynamoDbLeaseStore store = _table.Open();
        foreach (Lease lease in await store.ListAsync(Cancellation))
        {
            if (lease.IsFinished)
            {
                continue;
            }

            // KCL's workers are dead, so that their leases are expired
            Lease held = Written(await store.TakeAsync(lease, "fast", Cancellation));
            held = Written((await store.UpdateAsync([new LeaseUpdate(held)], Cancellation))[0]);
            held = Written((await store.UpdateAsync([new LeaseUpdate(held, CheckpointPosition.Parse("5", 1), 12.5)], Cancellation))[0]);
            Written(await store.ReleaseAsync(held, Cancellation));
        }

        foreach (Dictionary<string,
            AttributeValue> row in (await _table.Client.ScanAsync(new ScanRequest(_table.Name), Cancellation)).Items)
        {
            Dictionary<string, AttributeValue> was = before[row["leaseKey"].S];
            bool isWritten = LiveRows.IsLease(row) && was["checkpoint"].S != "SHARD_END";
            if (isWritten)
            {
                // what it always writes it also demands
                KclLease read = KclLease.Read(row);
                Assert.Equal(("5", 1, 0, null), (read.Checkpoint, read.SubSequence, read.Switches, read.Owner));
                Assert.Equal(long.Parse(was["leaseCounter"].N, CultureInfo.InvariantCulture) + 4, read.Counter);
            }

            string[] changed = ["leaseCounter", "leaseOwner", "checkpoint", "checkpointSubSequenceNumber", "ownerSwitchesSinceCheckpoint"];
            foreach ((string name, AttributeValue value) in was.Where(pair => !isWritten || !changed.Contains(pair.Key)))
            {
                Assert.Equal(AttributeValues.ToText(value), AttributeValues.ToText(row[name]));
            }

            Assert.All(
                row.Keys.Except(was.Keys),
                static added => Assert.True(added.StartsWith("fastConsumer", StringComparison.Ordinal), $"{added} was added"));
        }
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public async Task A_lease_that_FastConsumer_creates_can_be_read_by_KCL(string table)
    {
        Dictionary<string, Dictionary<string, AttributeValue>> before = await PutAsync(table);
        var lease = new Lease
        {
            LeaseKey = "shardId-000000000099",
            ParentShardIds = ["shardId-000000000001"],
            HashKeyRange = new FastConsumer.Kinesis.HashKeyRange(0, 9),
            StreamName = "orders",
        };
        Assert.True(await _table.Open().TryCreateAsync(lease, Cancellation));

        Dictionary<string, AttributeValue> created = await _table.RowAsync(lease.LeaseKey);

        Assert.Equal(0, KclLease.Read(created).Counter);
        // each attribute has the type that KCL gives it
        foreach (Dictionary<string, AttributeValue> row in before.Values.Where(LiveRows.IsLease))
        {
            foreach ((string name, AttributeValue value) in row.Where(pair => created.ContainsKey(pair.Key)))
            {
                Assert.Equal(
                    (value.S is null, value.N is null, value.SS is null),
                        (created[name].S is null, created[name].N is null, created[name].SS is null));
            }

            Assert.Empty(row.Keys.Except(created.Keys).Except(["leaseOwner", "childShardIds", "throughputKBps"]));
        }
    }

    [Fact]
    public async Task A_live_fleet_is_refused_within_its_observation()
    {
        await PutAsync(LiveRows.ThreeLive);
        Task prepare = _table.Open(timeProvider: _clock).PrepareAsync(Cancellation);
        long reported = 1_796_058_979;
        while (!prepare.IsCompleted)
        {
            if (_clock.NextDue is null)
            {
                await Task.WhenAny(prepare, Task.Delay(10, Cancellation));
                continue;
            }

            // as its workers do every 30 s
            Dictionary<string, AttributeValue> metrics = LiveRows.Of(LiveRows.ThreeLive).Single(static row => row["leaseKey"].S == "x1");
            metrics["lut"] = KclRows.Number(reported += 30);
            await _table.PutAsync(metrics);
            _clock.AdvanceToNextTimer();
        }

        LeaseStoreException refused = await Assert.ThrowsAsync<LeaseStoreException>(() => prepare);
        Assert.False(refused.IsTransient);
        Assert.Contains("metrics of worker 'x1'", refused.Message, StringComparison.Ordinal);
    }

    private static Lease Written(LeaseWriteResult result)
    {
        Assert.Equal(LeaseWriteOutcome.Written, result.Outcome);
        return result.Lease!;
    }

    private async Task<Dictionary<string, Dictionary<string, AttributeValue>>> PutAsync(string table)
    {
        IReadOnlyList<Dictionary<string, AttributeValue>> rows = LiveRows.Of(table);
        foreach (Dictionary<string, AttributeValue> row in rows)
        {
            await _table.PutAsync(row);
        }

        return rows.ToDictionary(static row => row["leaseKey"].S);
    }
}
