using FastConsumer.Leases;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

/// <summary>A stream deleted and created again under its name has shards of the same ids, and other records in them.</summary>
public sealed class RecreatedStreamTests : WorkerTest
{
    [Fact]
    public async Task A_stream_created_again_does_not_go_on_from_the_old_checkpoints()
    {
        Kinesis.CreateStream(Stream);
        Put(3);
        await using (WorkerHost first = await StartAsync())
        {
            await Eventually.TrueAsync(() => Journal.Done.Count == 3, () => first.Log.ToString());
        }

        Lease row = Assert.Single(Rows);
        Assert.NotNull(row.StreamCreatedAt);

        // as if these leases were from the stream before
        DateTimeOffset before = row.StreamCreatedAt.Value.AddDays(-1);
        Leases.Put(WorkerHost.Application, row with { StreamCreatedAt = before });
        Put(3);
        await using WorkerHost second = await StartAsync();
        string health = await second.WaitForHealthAsync(HealthStatus.Unhealthy);

        Assert.Contains("it was deleted and created again", health, StringComparison.Ordinal);
        Assert.Contains($"{before:yyyy-MM-ddTHH:mm:ssZ}", health, StringComparison.Ordinal);
        Assert.Equal(3, Journal.Done.Count);
        Assert.Null(Assert.Single(Rows).LeaseOwner);
    }

    [Fact]
    public async Task Two_streams_do_not_share_a_table_however_close_they_were_created()
    {
        Kinesis.CreateStream(Stream);
        Put(3);
        // as another service's: of the same application, with its own stream of the same moment
        Kinesis.CreateStream("payments");
        await using (WorkerHost other = await StartAsync())
        {
            await Eventually.TrueAsync(() => Journal.Done.Count == 3, () => other.Log.ToString());
        }

        Lease row = Assert.Single(Rows);
        Assert.Equal(Stream, row.StreamName);
        Leases.Put(WorkerHost.Application, row with { StreamName = "payments" });
        Put(3);
        await using WorkerHost host = await StartAsync();
        string health = await host.WaitForHealthAsync(HealthStatus.Unhealthy);

        Assert.Contains("belong to the stream 'payments'", health, StringComparison.Ordinal);
        Assert.Contains("FastConsumer:ApplicationName", health, StringComparison.Ordinal);
        Assert.Equal(3, Journal.Done.Count);
        Assert.Null(Assert.Single(Rows).LeaseOwner);
    }

    [Fact]
    public async Task Leases_of_a_KCL_application_of_several_streams_are_left_alone()
    {
        Kinesis.CreateStream(Stream);
        Put(3);
        var row = new Lease { LeaseKey = "123456789012:events:1700000000:shardId-000000000000" };
        Leases.Put(WorkerHost.Application, row);

        await using WorkerHost host = await StartAsync();
        string health = await host.WaitForHealthAsync(HealthStatus.Unhealthy);

        Assert.Contains("that of a KCL application of several streams", health, StringComparison.Ordinal);
        Assert.Empty(Journal.Done);
        Assert.Equivalent(row, Assert.Single(Rows));
    }
}
