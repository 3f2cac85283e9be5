using System.Globalization;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb.Tests.Kcl;

/// <summary>A table that KCL leaves is gone on with where KCL stopped, and left so that KCL can go on again.</summary>
public sealed class TakeOverTests(DynoxideServer server) : IClassFixture<DynoxideServer>, IAsyncLifetime
{
    private TestTable _table = null!;
    private DynamoDbLeaseStore _store = null!;

    public static TheoryData<string> Versions => [.. KclRows.Versions];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _table = new TestTable(server.ServiceUrl);
        _store = _table.Open(static options => options.Kcl3ObservationTime = TimeSpan.FromMilliseconds(300));
        await _store.PrepareAsync(Cancellation);
    }

    public ValueTask DisposeAsync() => _table.DisposeAsync();

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Every_row_is_read_as_KCL_means_it(string version)
    {
        await PutAsync(version);

        Dictionary<string, Lease> leases = (await _store.ListAsync(Cancellation)).ToDictionary(static lease => lease.LeaseKey[^1..]);

        Assert.Equal(version switch { "1.x" => 6, "2.x" => 7, _ => 8 }, leases.Count);
        Assert.Equal(
            (4711, "ip-10-0-0-1:worker-1", 0), (leases["0"].LeaseCounter, leases["0"].Owner, leases["0"].OwnerSwitchesSinceCheckpoint));
        Assert.Equal(CheckpointPosition.Parse(KclRows.Sequence), leases["0"].Checkpoint);
        Assert.Equal(CheckpointPosition.Parse(KclRows.Sequence, 41), leases["1"].Checkpoint);
        Assert.Equal(CheckpointKind.TrimHorizon, leases["2"].Checkpoint.Kind);
        Assert.Null(leases["2"].Owner);
        Assert.Equal(CheckpointKind.Latest, leases["3"].Checkpoint.Kind);
        Assert.Equal(CheckpointKind.AtTimestamp, leases["4"].Checkpoint.Kind);
        Assert.True(leases["5"].IsFinished);
        Assert.Equal(["shardId-00000000000a", "shardId-00000000000b"], leases["5"].ParentShardIds);
        Assert.All(leases.Values, static lease => Assert.Null(lease.StreamCreatedAt));
        if (version != "1.x")
        {
            Assert.Equal(["shardId-00000000000c", "shardId-00000000000d"], leases["0"].ChildShardIds);
            Assert.Equal(UInt128.MaxValue, leases["0"].HashKeyRange?.EndingHashKey);
            Assert.True(leases["6"].HasPendingCheckpoint);
            // what was prepared is not done
            Assert.Equal(CheckpointPosition.Parse("100", 2), leases["6"].Checkpoint);
        }

        if (leases.TryGetValue("7", out Lease? handOver))
        {
            Assert.Equal(("worker-1", "worker-2", "worker-1"), (handOver.Owner, handOver.LeaseOwner, handOver.CheckpointOwner));
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Every_lease_is_taken_renewed_checkpointed_and_given_back(string version)
    {
        Dictionary<string, Dictionary<string, AttributeValue>> before = await PutAsync(version);
        await _store.PrepareAsync(Cancellation);
        Lease[] held = await TakeAllAsync();
        held = await UpdateAsync(held, null);
        held = await UpdateAsync(held, CheckpointPosition.Parse("1000000", 5));
        foreach (Lease lease in held)
        {
            Assert.Equal(LeaseWriteOutcome.Written, (await _store.ReleaseAsync(lease, Cancellation)).Outcome);
        }

        foreach (Dictionary<string, AttributeValue> row in (await _table.Client.ScanAsync(
            new ScanRequest(_table.Name), Cancellation)).Items)
        {
            Dictionary<string, AttributeValue> expected = before[row["leaseKey"].S];
            if (held.Any(lease => lease.LeaseKey == row["leaseKey"].S))
            {
                expected["leaseCounter"] = KclRows.Number(long.Parse(expected["leaseCounter"].N, CultureInfo.InvariantCulture) + 4);
                expected["checkpoint"] = new("1000000");
                expected["checkpointSubSequenceNumber"] = KclRows.Number(5);
                expected["ownerSwitchesSinceCheckpoint"] = KclRows.Number(0);
                foreach (string gone in (string[])[
                    "leaseOwner", "checkpointOwner", "pendingCheckpoint", "pendingCheckpointSubSequenceNumber", "pendingCheckpointState"])
                {
                    expected.Remove(gone);
                }
            }

            // all else, whatever it is, stands as it stood
            Assert.Equal(Text(expected), Text(row));
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task KCL_2_takes_back_every_lease(string version)
    {
        await PutAsync(version);
        await GiveBackAsync();
        var worker = new Kcl2Worker(_table.Client, _table.Name, "ip-10-0-0-1:worker-1");
        // a table of 3.5 is not for 2.x: rows that are no leases are in it
        Task<IReadOnlyList<KclLease>> listing = worker.ListAsync();
        if (version == "3.5")
        {
            await Assert.ThrowsAnyAsync<Exception>(() => listing);
            return;
        }

        foreach (KclLease free in await listing)
        {
            Assert.Null(free.Owner);
            Assert.Equal(("1000000", 5), (free.Checkpoint, free.SubSequence));
            KclLease taken = await worker.TakeAsync(free) ?? throw new InvalidOperationException($"{free.Key} cannot be taken.");
            taken = await worker.RenewAsync(taken) ?? throw new InvalidOperationException($"{free.Key} cannot be renewed.");
            taken = await worker.CheckpointAsync(taken, "2000000", 0)
                ?? throw new InvalidOperationException($"{free.Key} cannot be checkpointed.");
            Assert.Equal((free.Counter + 3, worker.Name, "2000000"), (taken.Counter, taken.Owner, taken.Checkpoint));
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task KCL_3_takes_back_every_lease(string version)
    {
        await PutAsync(version);
        int leases = await GiveBackAsync();
        var worker = new Kcl3Worker(_table.Client, _table.Name, "worker-1");

        IReadOnlyList<KclLease> free = await worker.ListAsync();

        Assert.Equal(leases, free.Count);
        foreach (KclLease lease in free)
        {
            Assert.Equal((null, null, "1000000", 5), (lease.Owner, lease.CheckpointOwner, lease.Checkpoint, lease.SubSequence));
            KclLease taken = await worker.AssignAsync(lease) ?? throw new InvalidOperationException($"{lease.Key} cannot be assigned.");
            taken = await worker.RenewAsync(taken, 3.5) ?? throw new InvalidOperationException($"{lease.Key} cannot be renewed.");
            taken = await worker.HandOverAsync(taken, "worker-2")
                ?? throw new InvalidOperationException($"{lease.Key} cannot be handed over.");
            Assert.Equal(("worker-2", "worker-1"), (taken.Owner, taken.CheckpointOwner));
        }
    }

    [Fact]
    public async Task KCL_reads_what_FastConsumer_created()
    {
        Assert.True(await _store.TryCreateAsync(
            new Lease
            {
                LeaseKey = "shardId-000000000000",
                StartedAt = DateTimeOffset.UnixEpoch,
                StreamCreatedAt = DateTimeOffset.UnixEpoch,
                ParentShardIds = ["p"],
                ChildShardIds = ["c"],
            },
            Cancellation));

        var two = new Kcl2Worker(_table.Client, _table.Name, "two");
        KclLease taken = (await two.TakeAsync(Assert.Single(await two.ListAsync())))!;
        KclLease free = (await two.EvictAsync((await two.CheckpointAsync(taken, "7", 1))!))!;
        var three = new Kcl3Worker(_table.Client, _table.Name, "three");
        Assert.Equal(free, Assert.Single(await three.ListAsync()));
        Assert.NotNull(await three.RenewAsync((await three.AssignAsync(free))!, 1));

        // and FastConsumer again what they made of it
        Lease lease = Assert.Single(await _store.ListAsync(Cancellation));
        Assert.Equal((DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch), (lease.StartedAt, lease.StreamCreatedAt));
        Assert.Equal(("three", CheckpointPosition.Parse("7", 1)), (lease.Owner, lease.Checkpoint));
    }

    private static string[] Text(Dictionary<string, AttributeValue> row) =>
        [.. row.OrderBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => $"{pair.Key} = {Text(pair.Value)}")];

    private static string Text(AttributeValue value) =>
        value.S is not null ? $"S {value.S}"
        : value.N is not null ? "N "
            + $"{decimal.Parse(value.N, CultureInfo.InvariantCulture).ToString("0.############", CultureInfo.InvariantCulture)}"
        : value.B is not null ? $"B {Convert.ToBase64String(value.B.ToArray())}"
        : value.SS is { Count: > 0 } ? $"SS {string.Join(',', value.SS.Order(StringComparer.Ordinal))}"
        : value.NS is { Count: > 0 } ? $"NS {string.Join(',', value.NS.Order(StringComparer.Ordinal))}"
        : value.L is { Count: > 0 } ? $"L {string.Join(',', value.L.Select(Text))}"
        : $"M {string.Join(',', Text(value.M))}";

    private async Task<Dictionary<string, Dictionary<string, AttributeValue>>> PutAsync(string version)
    {
        foreach (Dictionary<string, AttributeValue> row in KclRows.Table(version))
        {
            await _table.PutAsync(row);
        }

        return KclRows.Table(version).ToDictionary(static row => row["leaseKey"].S);
    }

    private async Task<Lease[]> TakeAllAsync()
    {
        List<Lease> taken = [];
        foreach (Lease lease in await _store.ListAsync(Cancellation))
        {
            LeaseWriteResult result = await _store.TakeAsync(lease, "fast", Cancellation);
            Assert.Equal(LeaseWriteOutcome.Written, result.Outcome);
            Assert.Equal(("fast", null), (result.Lease!.LeaseOwner, result.Lease.CheckpointOwner));
            Assert.Equal(lease.Checkpoint, result.Lease.Checkpoint);
            taken.Add(result.Lease);
        }

        return [.. taken];
    }

    private async Task<Lease[]> UpdateAsync(Lease[] held, CheckpointPosition? checkpoint)
    {
        IReadOnlyList<LeaseWriteResult> results =
            await _store.UpdateAsync([.. held.Select(lease => new LeaseUpdate(lease, checkpoint))], Cancellation);
        Assert.All(results, static result => Assert.Equal(LeaseWriteOutcome.Written, result.Outcome));
        return [.. results.Select(static result => result.Lease!)];
    }

    private async Task<int> GiveBackAsync()
    {
        Lease[] held = await UpdateAsync(await TakeAllAsync(), CheckpointPosition.Parse("1000000", 5));
        foreach (Lease lease in held)
        {
            Assert.Equal(LeaseWriteOutcome.Written, (await _store.ReleaseAsync(lease, Cancellation)).Outcome);
        }

        return held.Length;
    }
}
