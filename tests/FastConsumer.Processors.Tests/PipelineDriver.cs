using System.Buffers;
using System.Text;
using FastConsumer.Buffers;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Processors.Tests;

/// <summary>Drives the pipeline of a processor as the dispatcher does, on answers built in memory.</summary>
internal sealed class PipelineDriver<TProcessor> : IDisposable
    where TProcessor : class, IKinesisProcessor<TProcessor>
{
    private readonly ServiceProvider _services;
    private readonly ShardContext _shard = new(
        typeof(TProcessor).Name, "tests", "stream-at-run-time", "shardId-000000000000", fencingToken: 7);
    private readonly Checkpoints _checkpoints = new();

    public PipelineDriver(TProcessor processor, Action<IServiceCollection>? configure = null)
    {
        var services = new ServiceCollection();
        configure?.Invoke(services);
        _services = services.BuildServiceProvider();
        Processor = processor;
        Pipeline = TProcessor.Definition.CreatePipeline(processor, _services);
        Cursor = new RecordCursor(_shard, _checkpoints, recordsPerCheckpoint: int.MaxValue);
    }

    public TProcessor Processor { get; }

    public ShardPipeline Pipeline { get; }

    public RecordPipeline Records => (RecordPipeline)Pipeline;

    public BatchPipeline Batches => (BatchPipeline)Pipeline;

    public RecordCursor Cursor { get; }

    public ShardContext Shard => _shard;

    public ValueTask RunAsync(params string[] payloads) => RunAsync(Page.Of(payloads));

    public ValueTask RunAsync(RecordPage page)
    {
        Cursor.Open(page);
        return Records.RunAsync(Cursor, TestContext.Current.CancellationToken);
    }

    /// <summary>Goes on where the cursor stands, as after a failure.</summary>
    public ValueTask ResumeAsync() => Records.RunAsync(Cursor, TestContext.Current.CancellationToken);

    public BatchContext Batch(int attempt = 1) => new(_shard, Batches, _checkpoints, attempt);

    public void Dispose() => _services.Dispose();

    private sealed class Checkpoints : IShardCheckpoints
    {
        public ValueTask CheckpointAsync(RecordPage page, int index, int attempt, CancellationToken cancellationToken) => default;

        public void Completed(RecordPage page, int index)
        {
        }

        public void RequestCheckpoint()
        {
        }
    }
}

/// <summary>Pages of records that came from no server.</summary>
internal static class Page
{
    public static RecordPage Of(params string[] payloads) => Of(payloads.Select(Encoding.UTF8.GetBytes));

    public static RecordPage Of(IEnumerable<byte[]> payloads, bool areAggregated = false)
    {
        var bytes = new ArrayBufferWriter<byte>();
        var entries = new List<RecordEntry>();
        foreach (byte[] payload in payloads)
        {
            byte[] key = Encoding.UTF8.GetBytes($"key-{entries.Count}");
            byte[] number = Encoding.ASCII.GetBytes($"{1000 + entries.Count}");
            int start = bytes.WrittenCount;
            bytes.Write(payload);
            bytes.Write(key);
            bytes.Write(number);
            entries.Add(new RecordEntry
            {
                DataOffset = start,
                DataLength = payload.Length,
                PartitionKeyOffset = start + payload.Length,
                PartitionKeyLength = key.Length,
                SequenceNumberOffset = start + payload.Length + key.Length,
                SequenceNumberLength = number.Length,
                SubSequenceNumber = areAggregated ? entries.Count : RecordEntry.NotAggregated,
                ArrivalMilliseconds = 1_700_000_000_000 + entries.Count,
            });
        }

        var response = new GetRecordsResponse(
            ResponseBuffer.Wrap(bytes.WrittenSpan.ToArray()), [.. entries], entries.Count, entriesArePooled: false);
        return new RecordPage(response, new NoReservation());
    }

    private sealed class NoReservation : IDisposable
    {
        public void Dispose()
        {
        }
    }
}
