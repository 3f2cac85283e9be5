using FastConsumer.LoadTest.Shards;

namespace FastConsumer.LoadTest.Checkpoints;

/// <summary>A handler that says of which shard it was.</summary>
[KinesisProcessor(TrickleProcessor.StreamName)]
[Checkpoint(Interval = "00:00:05")]
internal sealed partial class CheckpointProcessor(CheckpointTally tally)
{
    [OnRecord]
    public void Handle(ReadOnlySpan<byte> data, RecordContext context) => tally.Handled(context.ShardId);
}
