// The shape of KCL's Java sample, ported: everything is caught around the whole batch.
using FastConsumer;
using Microsoft.Extensions.Logging;

namespace Corpus.KclAbort;

[KinesisProcessor("sample")]
public sealed partial class SampleProcessor(ILogger<SampleProcessor> log)
{
    [OnShardStarted]
    public void Initialize(ShardContext shard) => log.LogInformation("Initializing {Shard}", shard.ShardId);

    [OnBatch]
    public async Task ProcessRecordsAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken)
    {
        try
        {
            foreach (KinesisRecord record in batch)
            {
                log.LogInformation("Processing record {Number}", record.SequenceNumber);
            }

            await context.CheckpointAsync(cancellationToken);
        }
        {|FC2002:catch (Exception e)|}
        {
            log.LogError(e, "Caught exception while processing records. Aborting.");
        }
    }

    [OnLeaseLost]
    public void LeaseLost() => log.LogInformation("Lost lease, so terminating.");
}
