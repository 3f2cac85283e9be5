// Cancellation taken for the end of the work.
using FastConsumer;
using Microsoft.Extensions.Logging;

namespace Corpus.Cancellation;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class StopsQuietly(IOrderBook book, ILogger<StopsQuietly> log)
{
    [OnRecord]
    public async Task HandleAsync(Order order, RecordContext context, CancellationToken cancellationToken)
    {
        try
        {
            await book.AddAsync(order, cancellationToken);
        }
        {|FC2004:catch (OperationCanceledException)|}
        {
            return;
        }

        try
        {
            await context.CheckpointAsync(cancellationToken);
        }
        {|FC2004:catch (LeaseLostException e)|}
        {
            log.LogInformation(e, "Another worker has the shard");
        }
    }
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class DeadLettersByHand(IOrderBook book, IDeadLetters letters)
{
    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken)
    {
        try
        {
            await book.FindAsync(record.PartitionKey, cancellationToken);
        }
        {|FC2004:catch (Exception e)|}
        {
            await letters.SendAsync(e.Message, record.Data);
        }
    }
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class DeadLettersWithCare(IOrderBook book, IDeadLetters letters)
{
    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken)
    {
        try
        {
            await book.FindAsync(record.PartitionKey, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            throw;
        }
        catch (Exception e)
        {
            await letters.SendAsync(e.Message, record.Data);
        }
    }
}
