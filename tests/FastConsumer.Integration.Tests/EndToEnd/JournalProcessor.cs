namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>Writes down what it sees.</summary>
[KinesisProcessor("set-by-options")]
[Checkpoint(Interval = "00:00:00.5", Records = 200)]
internal sealed partial class JournalProcessor(Journal journal)
{
    [OnShardStarted]
    private void OnShardStarted(ShardContext shard) => journal.Add("started", shard);

    [OnRecord]
    private void OnRecord(KinesisRecord record, RecordContext context) => journal.Add(record, context);

    [OnShardEnded]
    private void OnShardEnded(ShardContext shard) => journal.Add("ended", shard);

    [OnLeaseLost]
    private void OnLeaseLost(ShardContext shard) => journal.Add("lost", shard);

    [OnStopping]
    private void OnStopping(ShardContext shard) => journal.Add("stopping", shard);
}
