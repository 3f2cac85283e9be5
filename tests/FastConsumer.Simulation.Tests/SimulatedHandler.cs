using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>How often the users' code does what.</summary>
internal sealed record HandlerHabits
{
    /// <summary>Takes a moment.</summary>
    public double Waits { get; init; }

    /// <summary>Throws, before or after that.</summary>
    public double Throws { get; init; }

    /// <summary>Takes seconds.</summary>
    public double TakesLong { get; init; }

    /// <summary>Of those that take long: does not look at its token.</summary>
    public double IgnoresToken { get; init; }

    /// <summary>Asks for a checkpoint.</summary>
    public double Checkpoints { get; init; }

    /// <summary>Of batches: names single records as failed.</summary>
    public double FailsSingly { get; init; }

    public TimeSpan ShortWait { get; init; }

    public TimeSpan LongWait { get; init; }
}

/// <summary>What the users' code does on one worker; it tells the ledger all that it sees.</summary>
internal sealed class SimulatedHandler(SimulatedWorker worker, DeliveryLedger ledger, HandlerHabits habits, Random random)
{
    /// <summary>Set when the faults are over: handlers then do what they should.</summary>
    public bool IsWellBehaved { get; set; }

    /// <summary>What the lane is given to wait for.</summary>
    public Func<Func<ValueTask>, ValueTask> Handled { get; init; } = static handler => handler();

    /// <summary>The records on which it always fails, whatever else it does; null for none.</summary>
    public Poison? Poison { get; init; }

    public ValueTask RecordAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken)
    {
        CheckpointPosition position = record.Position;
        ledger.Begun(worker, context.ShardId, context.FencingToken, record, context.Attempt);
        if (Poison?.Of(record) is { } never)
        {
            return never.IsThrownAtOnce ? throw never : FailAsync(never);
        }

        if (IsWellBehaved || random.NextDouble() >= habits.Waits)
        {
            ThrowAtTimes();
            ledger.Done(worker, context.ShardId, context.FencingToken, position);
            return default;
        }

        return Handled(() => SlowlyAsync(record, position, context, cancellationToken));
    }

    public async ValueTask BatchAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken)
    {
        List<CheckpointPosition> positions = [];
        Dictionary<int, PoisonException> failing = [];
        foreach (KinesisRecord record in batch)
        {
            if (Poison?.Of(record) is { } never)
            {
                failing.Add(positions.Count, never);
            }

            positions.Add(record.Position);
            ledger.Begun(worker, context.ShardId, context.FencingToken, record, context.Attempt);
        }

        await WaitAsync(cancellationToken);
        ThrowAtTimes();
        Require(positions[0] == batch[0].Position, context.ShardId);
        if (failing.Values.FirstOrDefault(static never => never.IsThrownAtOnce) is { } thrown)
        {
            throw thrown;
        }

        for (int i = 0; i < positions.Count; i++)
        {
            if (failing.TryGetValue(i, out PoisonException? failure))
            {
                context.Fail(i, failure);
            }
            else if (!IsWellBehaved && random.NextDouble() < habits.FailsSingly)
            {
                context.Fail(i, new InvalidOperationException("This record of the batch fails."));
            }
            else
            {
                ledger.Done(worker, context.ShardId, context.FencingToken, positions[i]);
            }
        }

        if (!IsWellBehaved && random.NextDouble() < habits.Checkpoints)
        {
            await context.CheckpointAsync(cancellationToken);
        }
    }

    public async ValueTask LifeCycleAsync(string method, ShardContext shard, CancellationToken cancellationToken)
    {
        worker.Note($"{method} of {shard.ShardId} (token {shard.FencingToken})");
        await WaitAsync(cancellationToken);
        ThrowAtTimes();
    }

    private async ValueTask SlowlyAsync(
        KinesisRecord record, CheckpointPosition position, RecordContext context, CancellationToken cancellationToken)
    {
        if (random.Next(2) == 0)
        {
            ThrowAtTimes();
        }

        await WaitAsync(cancellationToken);
        Require(record.Position == position, context.ShardId);
        ThrowAtTimes();
        ledger.Done(worker, context.ShardId, context.FencingToken, position);
        if (!IsWellBehaved && random.NextDouble() < habits.Checkpoints)
        {
            await context.CheckpointAsync(cancellationToken);
        }
    }

    private static async ValueTask FailAsync(PoisonException never)
    {
        await Task.Yield();
        throw never;
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
        else if (random.Next(2) == 0)
        {
            await Task.Yield();
        }
    }

    private void ThrowAtTimes()
    {
        if (!IsWellBehaved && random.NextDouble() < habits.Throws)
        {
            throw new InvalidOperationException("The handler fails, as handlers do.");
        }
    }

    private void Require(bool isValid, string shardId) => ledger.Require(
        "memory", isValid, shardId, $"a record of {worker.Name} changed while its handler ran.");
}
