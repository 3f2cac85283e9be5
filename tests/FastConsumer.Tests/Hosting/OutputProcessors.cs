using System.Text;
using FastConsumer.Testing.Positions;

namespace FastConsumer.Tests.Hosting.Outputs;

/// <summary>What goes to the sink of each record: its text, and how many its key has had.</summary>
internal readonly record struct Row(string Text, int Count);

/// <summary>Writes rows into <see cref="Effects"/>, where they are visible once they are committed.</summary>
internal sealed class RowWriter(Effects effects) : IOutputWriter<Row, InMemoryTransaction>
{
    public Func<IReadOnlyList<string>, Exception?> Fails { get; set; } = static _ => null;

    public Task WriteAsync(
        InMemoryTransaction transaction, ReadOnlyMemory<Positioned<Row>> outputs, CancellationToken cancellationToken)
    {
        string[] texts = [.. outputs.ToArray().Select(static row => $"{row.Value.Text} is {row.Value.Count}")];
        if (Fails(texts) is { } error)
        {
            throw error;
        }

        foreach (string text in texts)
        {
            transaction.Add(() => effects.Add(text));
        }

        return Task.CompletedTask;
    }
}

/// <summary>The same without transactions; it notes ids.</summary>
internal sealed class RowSink(Effects effects) : IOutputSink<Row>
{
    public Task WriteAsync(ReadOnlyMemory<Positioned<Row>> outputs, CancellationToken cancellationToken)
    {
        foreach (Positioned<Row> row in outputs.ToArray())
        {
            effects.Add($"{row.Value.Text} is {row.Value.Count} ({row.Id})");
        }

        return Task.CompletedTask;
    }
}

[KinesisProcessor("events")]
[Concurrency(4)]
[OnError(typeof(UnwantedException), ErrorAction.Skip)]
[OnError(typeof(RejectedOutputException), ErrorAction.Skip)]
internal sealed partial class OutputProcessor(Journal journal)
{
    [State("counts")]
    [StateSerializer(typeof(NumberSerializer))]
    private partial KeyedState<int> Counts { get; }

    [Output("rows")]
    private partial Output<Row> Rows { get; }

    [OnRecord]
    private async ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken)
    {
        string text = Encoding.UTF8.GetString(record.DataSpan);
        int count = ++Counts.Of(context).Edit();
        Rows.Add(context, new Row(text, count));
        var delivery = new Delivery(
            context.ShardId, record.PartitionKey, text, record.SequenceNumber, context.Attempt, context.FencingToken, Completed: false);
        await journal.Handler(delivery, context, cancellationToken);
    }
}

[KinesisProcessor("events")]
internal sealed partial class BatchOutputProcessor(Journal journal)
{
    [State("counts")]
    [StateSerializer(typeof(NumberSerializer))]
    private partial KeyedState<int> Counts { get; }

    [Output("rows")]
    private partial Output<Row> Rows { get; }

    [OnBatch(MaxRecords = 10, MaxWait = "00:00:00.05")]
    private async ValueTask HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken)
    {
        List<Delivery> all = [];
        for (int i = 0; i < batch.Count; i++)
        {
            string text = Encoding.UTF8.GetString(batch[i].DataSpan);
            all.Add(new Delivery(
                context.ShardId, batch[i].PartitionKey, text, batch[i].SequenceNumber, context.Attempt, context.FencingToken,
                Completed: false));
            Rows.Add(context, i, new Row(text, ++Counts.Of(context, i).Edit()));
        }

        await journal.BatchHandler(all, context, cancellationToken);
    }
}

/// <summary>An output and no state.</summary>
[KinesisProcessor("events")]
internal sealed partial class OutputOnlyProcessor
{
    [Output("rows")]
    private partial Output<Row> Rows { get; }

    [OnRecord]
    private void Handle(KinesisRecord record, RecordContext context)
    {
        string text = Encoding.UTF8.GetString(record.DataSpan);
        Rows.Add(context, new Row(text, 1));
        Rows.Add(context, new Row(text, 2));
    }
}

/// <summary>Outputs of batches, without state; refused values are left out.</summary>
[KinesisProcessor("events")]
[OnError(typeof(UnwantedException), ErrorAction.Skip)]
[OnError(typeof(RejectedOutputException), ErrorAction.Skip)]
internal sealed partial class SkippingBatchProcessor(Journal journal)
{
    [Output("rows")]
    private partial Output<Row> Rows { get; }

    // the ten records of a test, which come in several pages
    [OnBatch(MaxRecords = 10, MaxWait = "00:01:00")]
    private async ValueTask HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken)
    {
        List<Delivery> all = [];
        for (int i = 0; i < batch.Count; i++)
        {
            string text = Encoding.UTF8.GetString(batch[i].DataSpan);
            all.Add(new Delivery(
                context.ShardId, batch[i].PartitionKey, text, batch[i].SequenceNumber, context.Attempt, context.FencingToken,
                Completed: false));
            try
            {
                Rows.Add(context, i, new Row(text, 1));
            }
            catch (InvalidOperationException) when (text.EndsWith('9'))
            {
                context.Fail(i, new UnwantedException());
            }
        }

        await journal.BatchHandler(all, context, cancellationToken);
    }
}

/// <summary>Two values of each record; one that is refused is tried three times, and left out then.</summary>
[KinesisProcessor("events")]
[OnError(typeof(RejectedOutputException), ErrorAction.Retry, MaxAttempts = 3, Then = ErrorAction.Skip, InitialBackoff = "00:00:00.01")]
internal sealed partial class RetryingOutputProcessor
{
    [Output("rows")]
    private partial Output<Row> Rows { get; }

    [OnRecord]
    private void Handle(KinesisRecord record, RecordContext context)
    {
        string text = Encoding.UTF8.GetString(record.DataSpan);
        Rows.Add(context, new Row(text, 1));
        Rows.Add(context, new Row(text, 2));
    }
}

/// <summary>Two outputs; refused values are left out.</summary>
[KinesisProcessor("events")]
[OnError(typeof(RejectedOutputException), ErrorAction.Skip)]
internal sealed partial class TwoOutputsProcessor
{
    [Output("rows")]
    private partial Output<Row> Rows { get; }

    [Output("others")]
    private partial Output<Row> Others { get; }

    [OnRecord]
    private void Handle(KinesisRecord record, RecordContext context)
    {
        string text = Encoding.UTF8.GetString(record.DataSpan);
        Rows.Add(context, new Row(text, 1));
        Others.Add(context, new Row(text, 2));
    }
}

/// <summary>An output of a stream that no other test has, so that it can be told by its measurements.</summary>
[KinesisProcessor(StreamName)]
internal sealed partial class MeasuredOutputProcessor(Journal journal)
{
    public const string StreamName = "measured-outputs";

    [Output("rows")]
    private partial Output<Row> Rows { get; }

    [OnRecord]
    private async ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken)
    {
        string text = Encoding.UTF8.GetString(record.DataSpan);
        Rows.Add(context, new Row(text, 1));
        var delivery = new Delivery(
            context.ShardId, record.PartitionKey, text, record.SequenceNumber, context.Attempt, context.FencingToken, Completed: false);
        await journal.Handler(delivery, context, cancellationToken);
    }
}
