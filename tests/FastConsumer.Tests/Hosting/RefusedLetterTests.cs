using System.Text;
using System.Text.Json;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Tests.Kinesis.Wire;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

/// <summary>Dead letters that their sink can never take as they are: nothing is cut, and no shard waits for ever.</summary>
public sealed class RefusedLetterTests : WorkerTest
{
    [Theory]
    [InlineData(0, "is empty")]
    [InlineData(257, "has 257 characters")]
    public async Task A_partition_key_that_Kinesis_does_not_take_becomes_the_shards_id(int length, string complaint)
    {
        Kinesis.CreateStream(Stream);
        Kinesis.CreateStream("buried");
        byte[] poison = Encoding.UTF8.GetBytes("not json");
        Kinesis.Put(Stream, "k", AggregateWriter.Write(new UserRecord(new string('k', length), poison)));
        Kinesis.Put(Stream, "k", """{"Id":"a"}""");
        await using WorkerHost host = await StartAsync(static consumer => consumer.UseDeadLettersToStream("buried"));
        await Journal.WaitForAsync(["a"], host.Log);
        (string key, byte[] data) = Assert.Single(await ReadAsync("buried"));
        Assert.Equal("shardId-000000000000", key);
        Assert.Equal(poison, data);
        Assert.Contains(complaint, Assert.Single(host.Log.Of(2111)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_letter_that_can_never_be_written_stops_its_shard_with_the_remedy()
    {
        await using WorkerHost host = await StartRefusedAsync(static consumer => consumer.UseDeadLettersToStream("buried"));
        string description = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains("UseDeadLetterFallbackToFile", description, StringComparison.Ordinal);
        Assert.Contains("does not take the record of 8 bytes", description, StringComparison.Ordinal);
        Assert.Contains("The record is not skipped.", description, StringComparison.Ordinal);
        await host.StopAsync();
        Assert.Empty(Journal.Done);
        Assert.Empty(host.Log.Of(2109));
        Assert.NotEqual(CheckpointKind.Record, Rows.Single().Checkpoint.Kind);
    }

    [Fact]
    public async Task A_letter_that_can_never_be_written_goes_to_the_fallback()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName(), "letters.jsonl");
        try
        {
            await using (WorkerHost host = await StartRefusedAsync(
                consumer => consumer.UseDeadLettersToStream("buried").UseDeadLetterFallbackToFile(path)))
            {
                await Journal.WaitForAsync(["a"], host.Log);
                Assert.Single(host.Log.Of(2112));
                await host.WaitForHealthAsync(HealthStatus.Healthy);
            }

            string line = Assert.Single(await File.ReadAllLinesAsync(path, TestContext.Current.CancellationToken));
            Assert.Equal(
                "not json", Encoding.UTF8.GetString(JsonDocument.Parse(line).RootElement.GetProperty("data").GetBytesFromBase64()));
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    [Fact]
    public async Task A_failure_that_may_pass_is_tried_again_and_does_not_reach_the_fallback()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.CreateStream("buried");
        Kinesis.Put(Stream, "k", "not json");
        Kinesis.Put(Stream, "k", """{"Id":"a"}""");
        Kinesis.Faults.Fail("PutRecord", "ProvisionedThroughputExceededException", times: 5);
        await using WorkerHost host = await StartAsync(
            static consumer => consumer.UseDeadLettersToStream("buried").UseDeadLetterFallbackToLog());
        await Journal.WaitForAsync(["a"], host.Log);
        Assert.Single(await ReadAsync("buried"));
        Assert.Empty(host.Log.Of(2110));
    }

    [Fact]
    public async Task A_fallback_without_a_sink_before_it_fails_at_start()
    {
        Kinesis.CreateStream(Stream);
        InvalidOperationException error =
            await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(static consumer => consumer.UseDeadLetterFallbackToLog()));
        Assert.Contains("UseDeadLettersToStream", error.Message, StringComparison.Ordinal);
    }

    private async Task<WorkerHost> StartRefusedAsync(Action<FastConsumerBuilder> sinks)
    {
        Kinesis.CreateStream(Stream);
        Kinesis.CreateStream("buried");
        Kinesis.Put(Stream, "k", "not json");
        Kinesis.Put(Stream, "k", """{"Id":"a"}""");
        Kinesis.Faults.Fail("PutRecord", "ValidationException", times: int.MaxValue);
        return await StartAsync(sinks);
    }

    private async Task<WorkerHost> StartAsync(Action<FastConsumerBuilder> sinks)
    {
        WorkerHost host = WorkerHost.Build(
            Kinesis, Journal, consumer => sinks(consumer.AddProcessor<BuryingProcessor>().UseInMemoryLeases(Leases)));
        await host.StartAsync();
        return host;
    }

    private async Task<List<(string Key, byte[] Data)>> ReadAsync(string stream)
    {
        using var client = new KinesisClient(new KinesisClientOptions
        {
            ServiceUrl = Kinesis.ServiceUrl,
            Region = Kinesis.Region,
            Credentials = new Amazon.Runtime.BasicAWSCredentials("test", "test"),
        });
        StreamIdentifier identifier = StreamIdentifier.Parse(stream);
        string iterator = await client.GetShardIteratorAsync(
            identifier, "shardId-000000000000", StartingPosition.TrimHorizon, TestContext.Current.CancellationToken);
        using GetRecordsResponse answer = await client.GetRecordsAsync(
            identifier, iterator, cancellationToken: TestContext.Current.CancellationToken);
        return [.. Enumerable.Range(0, answer.Count).Select(i => new KinesisRecord(answer, i))
            .Select(static record => (record.PartitionKey, record.DataSpan.ToArray()))];
    }
}
