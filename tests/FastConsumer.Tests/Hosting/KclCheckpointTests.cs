using System.Text;
using FastConsumer.Leases;
using FastConsumer.Tests.Kinesis.Wire;

namespace FastConsumer.Tests.Hosting;

public sealed class KclCheckpointTests : WorkerTest
{
    [Fact]
    public async Task A_KCL_that_died_at_sub_sequence_22_of_an_aggregate_is_gone_on_with_at_23()
    {
        Kinesis.CreateStream(Stream);
        string aggregate = Kinesis.Put(
            Stream, "a",
                AggregateWriter.Write(
                    [.. Enumerable.Range(0, 40).Select(
                        static i => new UserRecord($"key-{i}", Encoding.UTF8.GetBytes($"{i}")))])).SequenceNumber.ToString();
        // the row of a KCL 3.5.1 that was killed, with the sequence number of this stream
        Leases.Put(WorkerHost.Application, "shardId-000000000000", new Dictionary<string, Lease.Value>
        {
            ["checkpoint"] = aggregate,
            ["checkpointSubSequenceNumber"] = 22,
            ["entityType"] = "LEASE",
            ["startingHashKey"] = "0",
            ["endingHashKey"] = "340282366920938463463374607431768211455",
            ["ownerSwitchesSinceCheckpoint"] = 0,
            ["leaseOwner"] = "kcl-11727",
            ["leaseCounter"] = 37,
        });
        string[] left = [.. Enumerable.Range(23, 17).Select(static i => $"{i}")];

        await using (WorkerHost host = await StartAsync(static options => options.LeaseDuration = TimeSpan.FromSeconds(3)))
        {
            await Journal.WaitForAsync(left, host.Log);
        }

        Assert.Equal(left, Journal.Done.Select(static delivery => delivery.Text));
        Assert.Equal(CheckpointPosition.Parse(aggregate, 39), Rows.Single().Checkpoint);
    }
}
