// Grouping inside one call: the groups hold views, and end with the call.
using FastConsumer;

namespace Corpus.Grouping;

[KinesisProcessor("clicks")]
public sealed partial class GroupingProcessor(IDeadLetters letters)
{
    private readonly Dictionary<string, int> _counts = [];

    [OnBatch]
    public async Task HandleAsync(RecordBatch batch, CancellationToken cancellationToken)
    {
        var groups = new Dictionary<string, List<ReadOnlyMemory<byte>>>();
        for (int i = 0; i < batch.Count; i++)
        {
            KinesisRecord record = batch[i];
            string key = record.PartitionKey;
            if (!groups.TryGetValue(key, out List<ReadOnlyMemory<byte>>? group))
            {
                groups[key] = group = [];
            }

            group.Add(record.Data);
            _counts[key] = _counts.GetValueOrDefault(key) + 1;
        }

        foreach ((string key, List<ReadOnlyMemory<byte>> group) in groups)
        {
            await Task.WhenAll(group.Select(data => letters.SendAsync(key, data, cancellationToken)));
        }
    }
}

[KinesisProcessor("clicks")]
public sealed partial class LeakingGroups
{
    private List<KinesisRecord> _all = [];

    [OnBatch]
    public void Handle(RecordBatch batch)
    {
        var all = new List<KinesisRecord>();
        foreach (KinesisRecord record in batch)
        {
            all.Add(record);
        }

        _all = {|FC2005:all|};
    }
}
