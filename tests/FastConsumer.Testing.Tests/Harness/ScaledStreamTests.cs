using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Harness;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Testing.Tests.Harness;

/// <summary>A consumer on a stream that is changed by the operations that splits and merges are not.</summary>
public sealed class ScaledStreamTests
{
    private readonly Book _book = new();

    /// <summary>From two shards to three, and back: both make shards that end at once, without a record.</summary>
    [Fact]
    public async Task Uniform_scaling_is_followed_through_its_short_lived_shards()
    {
        await using ProcessorHarness harness = await StartAsync();
        int id = 0;
        foreach (int target in (int[])[3, 6, 5, 3])
        {
            PutEvenly(harness, ref id);
            Engine(harness).UpdateShardCount(new UpdateShardCountRequest(Stream(harness), target));
            PutEvenly(harness, ref id);
            await harness.WaitUntilDoneAsync();
        }

        string[] shards = [.. harness.Kinesis.ListShards(harness.StreamName).Where(static shard => shard.EndingSequenceNumber is not null)
            .Select(static shard => $"{shard.ShardId} ended")];
        Assert.True(shards.Length > 2 + 3 + 6 + 5);
        Assert.Equal(
            Enumerable.Range(1, id).Select(static number => $"{number}").Concat(shards).Order(StringComparer.Ordinal),
            _book.Entries.Where(static entry => entry != "disposed").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Records_without_a_partition_key_and_encrypted_ones_are_handled()
    {
        await using ProcessorHarness harness = await StartAsync();
        StreamReference stream = Stream(harness);
        string arn = harness.Kinesis.StreamArn(harness.StreamName);
        Engine(harness).StartStreamEncryption(new EncryptionRequest(stream, "KMS", "alias/aws/kinesis"));
        Engine(harness).UpdateStreamMode(new UpdateStreamModeRequest(arn, StreamModes.OnDemand));
        Engine(harness).UpdateStreamRecordDistributionStrategy(new UpdateRecordDistributionRequest(arn, RecordDistribution.Auto));
        for (int id = 1; id <= 4; id++)
        {
            Engine(harness).PutRecord(new PutRecordRequest(stream, new PutEntry([.. "{\"id\":"u8, (byte)('0' + id), (byte)'}'], null)));
        }

        // the harness knows of its own puts alone
        await harness.WaitUntilAsync(() => _book.Entries.Count >= 4);

        Assert.Equal(["1", "2", "3", "4"], _book.Entries.Order(StringComparer.Ordinal));
    }

    private static void PutEvenly(ProcessorHarness harness, ref int id)
    {
        for (int i = 0; i < 16; i++)
        {
            id++;
            harness.Put("k", $$"""{"id":{{id}}}""", UInt128.MaxValue / 16 * (UInt128)i);
        }
    }

    private static KinesisEngine Engine(ProcessorHarness harness) => harness.Kinesis.Engine;

    private static StreamReference Stream(ProcessorHarness harness) => new(harness.StreamName, null);

    private Task<ProcessorHarness> StartAsync() => ProcessorHarness.StartAsync<BookingProcessor>(
        services => services.AddSingleton(_book).AddFastConsumer().UseDeadLettersToLog(),
        new ProcessorHarnessOptions { ShardCount = 2, CancellationToken = TestContext.Current.CancellationToken });
}
