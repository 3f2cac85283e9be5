namespace FastConsumer.Tests.Hosting.Without;

/// <summary>The same processor, after its state was taken out of its code.</summary>
[KinesisProcessor("events")]
internal sealed partial class CountingProcessor(Journal journal)
{
    [OnRecord]
    private async ValueTask HandleAsync(string text, RecordContext context, CancellationToken cancellationToken)
    {
        var delivery = new Delivery(
            context.ShardId, context.PartitionKey, text, context.SequenceNumber, context.Attempt, context.FencingToken, Completed: false);
        await journal.Handler(delivery, context, cancellationToken);
    }
}
