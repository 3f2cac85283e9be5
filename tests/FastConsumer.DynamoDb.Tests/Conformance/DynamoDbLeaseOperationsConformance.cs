using Amazon.DynamoDBv2.Model;
using FastConsumer.Kinesis;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb.Tests.Conformance;

/// <summary>What a store on DynamoDB must do besides: KCL's table, shared with KCL.</summary>
public abstract class DynamoDbLeaseOperationsConformance(string serviceUrl) : LeaseOperationsConformance
{
    private readonly TestTable _table = new(serviceUrl);

    protected override ILeaseStore Open() => _table.Open();

    protected override Task PutAsync(Lease lease) => _table.PutAsync(Rows.Of(lease));

    protected override ValueTask DeleteTableAsync() => _table.DisposeAsync();

    [Fact]
    public async Task A_row_has_the_names_and_types_of_KCL()
    {
        await Create(Unowned() with
        {
            LeaseOwner = "me",
            LeaseCounter = 2,
            OwnerSwitchesSinceCheckpoint = 1,
            Checkpoint = At("123", 4),
            ParentShardIds = ["p2", "p1"],
            ChildShardIds = ["c1"],
            HashKeyRange = new HashKeyRange(5, UInt128.MaxValue),
            StartedAt = DateTimeOffset.FromUnixTimeMilliseconds(1234),
            StreamCreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(567),
            StreamName = "orders",
        });

        Dictionary<string, AttributeValue> row = await _table.RowAsync(Unowned().LeaseKey);

        Assert.Equal(
            [
                "checkpoint", "checkpointSubSequenceNumber", "childShardIds", "endingHashKey", "entityType", "fastConsumerStartedAt",
                "fastConsumerStreamCreatedAt", "fastConsumerStreamName", "leaseCounter", "leaseKey", "leaseOwner",
                    "ownerSwitchesSinceCheckpoint", "parentShardId", "startingHashKey",
            ],
            row.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("123", row["checkpoint"].S);
        Assert.Equal("4", row["checkpointSubSequenceNumber"].N);
        Assert.Equal(["c1"], row["childShardIds"].SS);
        Assert.Equal("340282366920938463463374607431768211455", row["endingHashKey"].S);
        Assert.Equal("LEASE", row["entityType"].S);
        Assert.Equal("1234", row["fastConsumerStartedAt"].N);
        Assert.Equal("567", row["fastConsumerStreamCreatedAt"].N);
        Assert.Equal("orders", row["fastConsumerStreamName"].S);
        Assert.Equal("2", row["leaseCounter"].N);
        Assert.Equal("me", row["leaseOwner"].S);
        Assert.Equal("1", row["ownerSwitchesSinceCheckpoint"].N);
        Assert.Equal(["p1", "p2"], row["parentShardId"].SS.Order());
        Assert.Equal("5", row["startingHashKey"].S);
    }

    [Fact]
    public async Task A_bare_row_has_what_KCL_always_expects()
    {
        await Create(Unowned());

        Dictionary<string, AttributeValue> row = await _table.RowAsync(Unowned().LeaseKey);

        Assert.Equal(
            ["checkpoint", "checkpointSubSequenceNumber", "entityType", "leaseCounter", "leaseKey", "ownerSwitchesSinceCheckpoint"],
            row.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("TRIM_HORIZON", row["checkpoint"].S);
        Assert.Equal("0", row["checkpointSubSequenceNumber"].N);
        Assert.Equal("0", row["ownerSwitchesSinceCheckpoint"].N);
    }

    [Fact]
    public async Task What_others_keep_on_a_row_survives()
    {
        // as KCL 2.x creates it: no entityType
        Dictionary<string, AttributeValue> foreign = new()
        {
            ["throughputKBps"] = new() { N = "12.5" },
            ["streamName"] = new("orders"),
            ["text"] = new("x"),
            ["binary"] = new() { B = new MemoryStream([1, 2, 3]) },
            ["yes"] = new() { BOOL = true },
            ["nothing"] = new() { NULL = true },
            ["numbers"] = new() { NS = ["1", "2"] },
            ["list"] = new() { L = [new("a"), new() { N = "1" }] },
            ["map"] = new() { M = new() { ["inner"] = new("b") } },
        };
        Dictionary<string, AttributeValue> row = new(foreign)
        {
            ["leaseKey"] = new(Unowned().LeaseKey),
            ["leaseCounter"] = new() { N = "3" },
            ["checkpoint"] = new("LATEST"),
            ["checkpointSubSequenceNumber"] = new() { N = "0" },
            ["ownerSwitchesSinceCheckpoint"] = new() { N = "0" },
        };
        await _table.PutAsync(row);

        Lease lease = Assert.Single(await Store.ListAsync(Cancellation));
        lease = (await Store.TakeAsync(lease, "me", Cancellation)).Lease!;
        lease = (await Update(lease)).Lease!;
        lease = (await Update(lease, At("77", 2))).Lease!;
        await Store.UpdateChildrenAsync(lease.LeaseKey, ["c"], Cancellation);
        lease = (await Store.RequestAsync(lease, "next", Cancellation)).Lease!;
        Assert.True(await Store.RingAsync(lease.LeaseKey, "me", "next/1", Cancellation));
        lease = (await Store.ReleaseAsync(lease, "next", Cancellation)).Lease!;
        lease = (await Store.TakeAsync(lease, "next", Cancellation)).Lease!;
        lease = (await Store.ReleaseAsync(lease, Cancellation)).Lease!;

        Dictionary<string, AttributeValue> after = await _table.RowAsync(lease.LeaseKey);
        Assert.Equal("9", after["leaseCounter"].N);
        Assert.DoesNotContain("fastConsumerRequestedBy", after.Keys);
        Assert.Equal("12.5", after["throughputKBps"].N);
        Assert.Equal("orders", after["streamName"].S);
        Assert.Equal("x", after["text"].S);
        Assert.Equal([1, 2, 3], after["binary"].B.ToArray());
        Assert.True(after["yes"].BOOL);
        Assert.True(after["nothing"].NULL);
        Assert.Equal(["1", "2"], after["numbers"].NS.Order());
        Assert.Equal("a", after["list"].L[0].S);
        Assert.Equal("b", after["map"].M["inner"].S);
        Assert.DoesNotContain("entityType", after.Keys);
        Assert.DoesNotContain("leaseOwner", after.Keys);
        Assert.DoesNotContain("checkpointOwner", after.Keys);
    }

    [Fact]
    public async Task A_checkpoint_drops_a_prepared_one_and_a_renewal_does_not()
    {
        Dictionary<string, AttributeValue> row = Rows.Of(Unowned() with { LeaseOwner = "me" });
        row["pendingCheckpoint"] = new("55");
        row["pendingCheckpointSubSequenceNumber"] = new() { N = "0" };
        row["pendingCheckpointState"] = new() { B = new MemoryStream([1]) };
        await _table.PutAsync(row);
        Lease mine = await Get();

        LeaseWriteResult renewed = await Update(mine);
        Assert.Equal("55", (await _table.RowAsync(mine.LeaseKey))["pendingCheckpoint"].S);

        await Update(renewed.Lease!, At("60"));
        Assert.DoesNotContain(
            (await _table.RowAsync(mine.LeaseKey)).Keys, static name => name.StartsWith("pending", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("WORKER_METRIC_STATS", true)]
    [InlineData("LEADER", false)]
    [InlineData("STREAM", true)]
    [InlineData(null, false)]
    public async Task Rows_that_are_no_leases_are_passed_over(string? entityType, bool withCounter)
    {
        Dictionary<string, AttributeValue> foreign = new()
        {
            ["leaseKey"] = new("a-foreign-row"),
            [entityType is null ? "position" : "checkpoint"] = new("whatever"),
        };
        if (entityType is not null)
        {
            foreign["entityType"] = new(entityType);
        }

        if (withCounter)
        {
            foreign["leaseCounter"] = new() { N = "1" };
        }

        await _table.PutAsync(foreign);
        await Create(Unowned());

        Assert.Equal(Unowned().LeaseKey, Assert.Single(await Store.ListAsync(Cancellation)).LeaseKey);
        Assert.Null(await Store.GetAsync("a-foreign-row", Cancellation));
        Assert.False(await Store.TryCreateAsync(Unowned() with { LeaseKey = "a-foreign-row" }, Cancellation));
        Assert.Equal(foreign.Count, (await _table.RowAsync("a-foreign-row")).Count);
    }

    [Theory]
    [InlineData("checkpoint", "S", "12x", "checkpoint is '12x'")]
    [InlineData("checkpoint", "N", "12", "checkpoint is the number 12")]
    [InlineData("leaseCounter", "N", "1.5", "leaseCounter is the number 1.5")]
    [InlineData("leaseCounter", "S", "1", "leaseCounter is the string '1'")]
    [InlineData("leaseCounter", null, null, "it has no leaseCounter")]
    [InlineData("endingHashKey", "S", "ff", "endingHashKey is 'ff'")]
    [InlineData("fastConsumerStartedAt", "N", "9000000000000000000", "fastConsumerStartedAt is 9000000000000000000")]
    public async Task A_lease_that_makes_no_sense_is_listed_with_its_problem(string attribute, string? type, string? value, string expected)
    {
        Dictionary<string, AttributeValue> row = Rows.Of(Unowned() with { HashKeyRange = new HashKeyRange(0, 1) });
        row[attribute] = type == "N" ? new() { N = value } : new(value);
        if (value is null)
        {
            row.Remove(attribute);
        }

        await _table.PutAsync(row);
        await Create(Unowned() with { LeaseKey = "shardId-000000000002" });

        IReadOnlyList<Lease> leases = await Store.ListAsync(Cancellation);

        Assert.Equal(2, leases.Count);
        Lease bad = Assert.Single(leases, static lease => lease.Problem is not null);
        Assert.Equal(Unowned().LeaseKey, bad.LeaseKey);
        Assert.Contains(expected, bad.Problem, StringComparison.Ordinal);
        Assert.Contains(Unowned().LeaseKey, bad.Problem, StringComparison.Ordinal);
        Assert.False(bad.IsFinished);
        Assert.Equal(bad, Assert.Single(await Store.GetManyAsync([bad.LeaseKey], ReadConsistency.Strong, Cancellation)));
    }

    [Fact]
    public async Task A_list_goes_over_all_pages()
    {
        // DynamoDB ends a page at 1 MiB
        string large = new('x', 300_000);
        for (int i = 0; i < 8; i++)
        {
            Dictionary<string, AttributeValue> row = Rows.Of(Unowned() with { LeaseKey = $"shard-{i}" });
            row["large"] = new(large);
            await _table.PutAsync(row);
        }

        Assert.Equal(8, (await Store.ListAsync(Cancellation)).Count);
    }

    [Fact]
    public async Task Creating_never_writes_a_hand_over()
    {
        await Create(Unowned() with { LeaseOwner = "next", CheckpointOwner = "old" });

        Assert.Null((await Get()).CheckpointOwner);
    }
}
