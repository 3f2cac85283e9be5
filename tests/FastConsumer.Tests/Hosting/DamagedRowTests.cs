using FastConsumer.Leases;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

/// <summary>One row of the table that cannot be read stops its own shard, and no other.</summary>
public sealed class DamagedRowTests : WorkerTest
{
    private const string Damaged = "shardId-000000000001";

    public static TheoryData<string, string?, string> DamagedRows => new()
    {
        { Lease.Names.Checkpoint, "hello", "checkpoint is 'hello'" },
        { Lease.Names.LeaseCounter, null, "set leaseCounter to 0 (N)" },
        { Lease.Names.LeaseCounter, "3", "leaseCounter is the string '3'" },
    };

    [Theory]
    [MemberData(nameof(DamagedRows))]
    public async Task The_other_shards_are_read_and_the_row_is_named_until_it_is_repaired(string attribute, string? value, string remedy)
    {
        Kinesis.CreateStream(Stream, shardCount: 4);
        Dictionary<string, Lease.Value> row = new() { [Lease.Names.LeaseCounter] = 3, [Lease.Names.Checkpoint] = "TRIM_HORIZON" };
        row.Remove(attribute);
        if (value is not null)
        {
            row[attribute] = value;
        }

        Leases.Put(WorkerHost.Application, Damaged, row);
        Dictionary<string, List<string>> texts = new() { [Damaged] = [], [""] = [] };
        for (int i = 0; i < 40; i++)
        {
            (string text, string shardId, _) = PutOne($"key-{i}");
            texts[shardId == Damaged ? Damaged : ""].Add(text);
        }

        await using WorkerHost host = await StartAsync(static options => options.LeaseDuration = TimeSpan.FromSeconds(3));
        await Journal.WaitForAsync(texts[""], host.Log);
        string health = await host.WaitForHealthAsync(HealthStatus.Unhealthy);

        Assert.Contains($"The row '{Damaged}' cannot be read as a lease", health, StringComparison.Ordinal);
        Assert.Contains(remedy, health, StringComparison.Ordinal);
        Assert.DoesNotContain(Journal.Done, static delivery => delivery.ShardId == Damaged);
        Assert.Equal(row.OrderBy(Key), Row(Damaged).Attributes.Where(static pair => pair.Key != Lease.Names.LeaseKey).OrderBy(Key));
        Assert.Single(host.Log.Of(2332));

        // repaired by hand, while the worker goes on
        Leases.Put(WorkerHost.Application, new Lease { LeaseKey = Damaged });
        await Journal.WaitForAsync([.. texts[""], .. texts[Damaged]], host.Log);
        await host.WaitForHealthAsync(HealthStatus.Healthy);
        Journal.AssertEachOnce([.. texts[""], .. texts[Damaged]]);

        static string Key(KeyValuePair<string, Lease.Value> pair) => pair.Key;
    }

    [Fact]
    public async Task A_lease_whose_row_is_damaged_under_its_owner_is_lost_at_its_time_and_the_others_go_on()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        List<string> texts = Put(20);
        await using WorkerHost host = await StartAsync(static options => options.LeaseDuration = TimeSpan.FromSeconds(3));
        await Journal.WaitForAsync(texts, host.Log);

        Leases.Put(WorkerHost.Application, Damaged, new Dictionary<string, Lease.Value> { [Lease.Names.Checkpoint] = "TRIM_HORIZON" });

        await host.WaitForLogAsync(2332);
        (string text, string shardId, _) = PutOne("key-0");
        while (shardId == Damaged)
        {
            (text, shardId, _) = PutOne($"key-{Guid.NewGuid():N}");
        }

        await Journal.WaitForAsync([text], host.Log);
        await host.WaitForHealthAsync(HealthStatus.Unhealthy);
    }
}
