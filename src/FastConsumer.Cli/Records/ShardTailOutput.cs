using System.Threading.Channels;
using FastConsumer.Kinesis;
using FastConsumer.Reading;

namespace FastConsumer.Cli.Records;

/// <summary>What becomes of one shard's answers: aggregates are unpacked, and what is wanted is passed on.</summary>
internal sealed class ShardTailOutput(StreamTailSettings settings, ShardNode shard, ChannelWriter<TailPage> pages)
{
    private readonly Deaggregation _deaggregation = new(shard.HashKeyRange);

    /// <summary>The last record that came; null before the first.</summary>
    public SequenceNumber? Last { get; private set; }

    /// <summary>True where nothing is wanted of what comes next.</summary>
    public bool IsOver { get; private set; }

    /// <summary>The records of an answer that are wanted.</summary>
    public List<KinesisRecord> Take(GetRecordsResponse answer)
    {
        List<KinesisRecord> records = [];
        if (answer.Count == 0)
        {
            return records;
        }

        Last = _deaggregation.Apply(answer).End.SequenceNumber;
        foreach (KinesisRecord record in answer.EnumerateRecords())
        {
            if (record.ApproximateArrivalTimestamp > settings.Until)
            {
                IsOver = true;
                break;
            }

            if (!settings.Start.IsBefore(record))
            {
                records.Add(record.ToOwned());
            }
        }

        return records;
    }

    /// <summary>Whether the end was reached by an answer that showed the newest record.</summary>
    public bool EndsAtTip => settings.EndsAtTip || settings.Until <= settings.Time.GetUtcNow();

    public async ValueTask PassOnAsync(IReadOnlyList<KinesisRecord> records, CancellationToken cancellationToken)
    {
        if (records.Count > 0)
        {
            await pages.WriteAsync(new TailPage(shard.ShardId, records), cancellationToken);
        }
    }
}
