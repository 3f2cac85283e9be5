using System.Text;

namespace FastConsumer.Tests.Hosting.Lanes
{
    /// <summary>The same state in lanes.</summary>
    [KinesisProcessor("events")]
    [Concurrency(4)]
    [OnError(typeof(FormatException), ErrorAction.Skip)]
    internal sealed partial class CountingProcessor(Journal journal)
    {
        [State("counts")]
        [StateSerializer(typeof(NumberSerializer))]
        private partial KeyedState<int> Counts { get; }

        [State("texts")]
        [StateSerializer(typeof(NumberSerializer))]
        private partial KeyedMap<string, int> Texts { get; }

        [OnRecord]
        private async ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken)
        {
            string text = Encoding.UTF8.GetString(record.DataSpan);
            Counts.Of(context).Edit()++;
            Texts.Of(context).Edit(text)++;
            var delivery = new Delivery(
                context.ShardId, record.PartitionKey, text, record.SequenceNumber, context.Attempt, context.FencingToken, Completed: false);
            await journal.Handler(delivery, context, cancellationToken);
        }
    }
}

namespace FastConsumer.Tests.Hosting.Batches
{
    /// <summary>The same state in batches; what the journal says of a record comes before its change.</summary>
    [KinesisProcessor("events")]
    [OnError(typeof(FormatException), ErrorAction.Skip)]
    internal sealed partial class CountingProcessor(Journal journal)
    {
        [State("counts")]
        [StateSerializer(typeof(NumberSerializer))]
        private partial KeyedState<int> Counts { get; }

        [State("texts")]
        [StateSerializer(typeof(NumberSerializer))]
        private partial KeyedMap<string, int> Texts { get; }

        [OnBatch(MaxRecords = 10, MaxWait = "00:00:00.05")]
        private async ValueTask HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken)
        {
            List<Delivery> all = [];
            for (int i = 0; i < batch.Count; i++)
            {
                all.Add(new Delivery(
                    context.ShardId, batch[i].PartitionKey, Encoding.UTF8.GetString(batch[i].DataSpan), batch[i].SequenceNumber,
                    context.Attempt, context.FencingToken, Completed: false));
            }

            await journal.BatchHandler(all, context, cancellationToken);
            for (int i = 0; i < all.Count; i++)
            {
                if (!journal.Failing(all[i]))
                {
                    Counts.Of(context, i).Edit()++;
                    Texts.Of(context, i).Edit(all[i].Text)++;
                }
            }

            await journal.AfterBatch(all, context, cancellationToken);
        }
    }
}
