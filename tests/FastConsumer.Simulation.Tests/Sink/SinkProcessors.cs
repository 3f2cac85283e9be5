using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests.Sink;

/// <summary>Thrown for what the error policy leaves out.</summary>
internal sealed class NotWantedException() : Exception("The record is not wanted.");

/// <summary>A transaction for each record.</summary>
[KinesisProcessor(SimulatedCluster.Stream)]
[OnError(typeof(NotWantedException), ErrorAction.Skip)]
internal sealed partial class SinkRecordProcessor(SinkHandler handler)
{
    [Filter]
    public static bool IsOfInterest(KinesisRecord record) => !SinkHandler.IsFiltered(record.DataSpan);

    [OnRecord]
    private ValueTask HandleAsync(
        KinesisRecord record, [SinkTransaction] SinkTransaction transaction, RecordContext context, CancellationToken cancellationToken) =>
        handler.RecordAsync(record, transaction, context, cancellationToken);
}

/// <summary>A transaction for each batch.</summary>
[KinesisProcessor(SimulatedCluster.Stream)]
[OnError(typeof(NotWantedException), ErrorAction.Skip)]
internal sealed partial class SinkBatchProcessor(SinkHandler handler)
{
    [Filter]
    public static bool IsOfInterest(KinesisRecord record) => !SinkHandler.IsFiltered(record.DataSpan);

    [OnBatch(MaxRecords = 7, MaxWait = "00:00:00.7")]
    private ValueTask HandleAsync(
        RecordBatch batch, [SinkTransaction] SinkTransaction transaction, BatchContext context, CancellationToken cancellationToken) =>
        handler.BatchAsync(batch, transaction, context, cancellationToken);
}

/// <summary>What the users' code does on one worker: writes an effect for each record, slowly and with failures.</summary>
internal sealed class SinkHandler(SimulatedWorker worker, SimulatedSink sink, HandlerHabits habits, Random random)
{
    /// <summary>Set when the faults are over.</summary>
    public bool IsWellBehaved { get; set; }

    /// <summary>True for records that the filters leave out.</summary>
    public static bool IsFiltered(ReadOnlySpan<byte> data)
    {
        int sum = 0;
        foreach (byte part in data)
        {
            sum += part;
        }

        return sum % 11 == 3;
    }

    public async ValueTask RecordAsync(
        KinesisRecord record, SinkTransaction transaction, RecordContext context, CancellationToken cancellationToken)
    {
        CheckpointPosition position = record.Position;
        transaction.Effects.Add(position);
        await WaitAsync(cancellationToken);
        ThrowAtTimes(context.ShardId, [position]);
    }

    public async ValueTask BatchAsync(
        RecordBatch batch, SinkTransaction transaction, BatchContext context, CancellationToken cancellationToken)
    {
        List<CheckpointPosition> positions = [];
        foreach (KinesisRecord record in batch)
        {
            positions.Add(record.Position);
        }

        transaction.Effects.AddRange(positions);
        await WaitAsync(cancellationToken);
        ThrowAtTimes(context.ShardId, positions);
    }

    private async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        if (IsWellBehaved)
        {
            return;
        }

        if (random.NextDouble() < habits.TakesLong)
        {
            await Task.Delay(habits.LongWait * random.NextDouble(), worker.Process.Clock, random.NextDouble() < habits.IgnoresToken
                ? CancellationToken.None
                : cancellationToken);
        }
        else if (random.NextDouble() < habits.Waits)
        {
            await Task.Delay(habits.ShortWait * random.NextDouble(), worker.Process.Clock, cancellationToken);
        }
    }

    private void ThrowAtTimes(string shardId, List<CheckpointPosition> positions)
    {
        if (IsWellBehaved || random.NextDouble() >= habits.Throws)
        {
            return;
        }

        if (random.Next(3) == 0)
        {
            sink.MayPass(shardId, positions);
            throw new NotWantedException();
        }

        throw new InvalidOperationException("The handler fails, as handlers do.");
    }
}
