using FastConsumer.Processors;

namespace FastConsumer.LoadTest.Pipeline;

/// <summary>The generated pipeline of a processor, driven as a lane drives it.</summary>
internal sealed class GeneratedLoop<TProcessor>
    where TProcessor : class, IKinesisProcessor<TProcessor>
{
    private readonly ShardContext _shard = new(typeof(TProcessor).Name, "load-test", "pipeline", "shardId-000000000000", fencingToken: 1);
    private readonly Checkpoints _checkpoints = new();
    private readonly ShardPipeline _pipeline;
    private readonly RecordCursor _cursor;
    private readonly BatchContext? _batch;

    public GeneratedLoop(TProcessor processor, int recordsPerCheckpoint)
    {
        _pipeline = TProcessor.Definition.CreatePipeline(processor, NoServices.Instance);
        _cursor = new RecordCursor(_shard, _checkpoints, recordsPerCheckpoint);
        _batch = _pipeline is BatchPipeline batches ? new BatchContext(_shard, batches, _checkpoints, attempt: 1) : null;
    }

    /// <summary>How often a checkpoint was due.</summary>
    public int CheckpointsDue => _checkpoints.Requested;

    public int Run(RecordPage page)
    {
        _cursor.Open(page);
        if (_pipeline is RecordPipeline records)
        {
            End(records.RunAsync(_cursor, CancellationToken.None));
            return page.Done;
        }

        var batches = (BatchPipeline)_pipeline;
        while (!_cursor.AtEnd)
        {
            batches.Collect(_cursor);
            if (batches.IsFull || _cursor.AtEnd)
            {
                End(batches.InvokeAsync(_batch!, CancellationToken.None));
                batches.MarkDone(batches.Count);
                batches.Clear();
            }
        }

        return page.Done;
    }

    private static void End(ValueTask pending)
    {
        if (!pending.IsCompletedSuccessfully)
        {
            throw new NotSupportedException("The handlers of this measurement end at once.");
        }

        pending.GetAwaiter().GetResult();
    }

    private sealed class Checkpoints : IShardCheckpoints
    {
        public int Requested { get; private set; }

        public ValueTask CheckpointAsync(RecordPage page, int index, int attempt, CancellationToken cancellationToken) => default;

        public void Completed(RecordPage page, int index)
        {
            // several lanes only
        }

        public void RequestCheckpoint() => Requested++;
    }

    private sealed class NoServices : IServiceProvider
    {
        public static readonly NoServices Instance = new();

        public object? GetService(Type serviceType) => null;
    }
}
