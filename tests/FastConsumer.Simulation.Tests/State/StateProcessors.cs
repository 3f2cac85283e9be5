using System.Buffers;
using System.Buffers.Binary;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests.State;

/// <summary>How many records of a key were handled, and in which order.</summary>
/// <param name="Count">How many.</param>
/// <param name="Order">A hash that differs where the order does.</param>
public readonly record struct Tally(int Count, long Order)
{
    /// <summary>One record more: the fold that handlers and the oracle share.</summary>
    public Tally With(int number) => new(Count + 1, unchecked((Order * 1_000_003) + number));

    /// <summary>Of a key that two shards have handled. The order tells that this was called, and in which order.</summary>
    public static Tally Unite(Tally a, Tally b, Tally common) =>
        new(a.Count + b.Count - common.Count, unchecked((((a.Order * 31) + b.Order) * 31) + common.Order + 1));
}

/// <summary>As bytes.</summary>
public sealed class TallySerializer : IStateSerializer<Tally>
{
    public void Write(Tally value, IBufferWriter<byte> output)
    {
        Span<byte> bytes = output.GetSpan(12);
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value.Count);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[4..], value.Order);
        output.Advance(12);
    }

    public Tally Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadInt32LittleEndian(bytes), BinaryPrimitives.ReadInt64LittleEndian(bytes[4..]));
}

/// <summary>As bytes.</summary>
public sealed class CountSerializer : IStateSerializer<long>
{
    public void Write(long value, IBufferWriter<byte> output)
    {
        BinaryPrimitives.WriteInt64LittleEndian(output.GetSpan(8), value);
        output.Advance(8);
    }

    public long Read(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt64LittleEndian(bytes);
}

/// <summary>Counts by key, and by key and digit.</summary>
[KinesisProcessor(SimulatedCluster.Stream)]
[OnError(typeof(NotCountedException), ErrorAction.Skip)]
internal sealed partial class StateProcessor(StateHandler handler)
{
    [State("tallies")]
    [StateSerializer(typeof(TallySerializer))]
    private partial KeyedState<Tally> Tallies { get; }

    [State("digits")]
    [StateSerializer(typeof(CountSerializer))]
    private partial KeyedMap<int, long> Digits { get; }

    [StateMerge("tallies")]
    private static Tally Unite(Tally a, Tally b, Tally? common) => Tally.Unite(a, b, common ?? default);

    [StateMerge("digits")]
    private static long Unite(long a, long b, long? common) => a + b - (common ?? 0);

    [OnRecord]
    private ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken) =>
        handler.HandleAsync(
            BinaryPrimitives.ReadInt32LittleEndian(record.DataSpan), Tallies.Of(context), Digits.Of(context), null, context,
            cancellationToken);
}

/// <summary>The same in lanes.</summary>
[KinesisProcessor(SimulatedCluster.Stream)]
[Concurrency(3)]
[OnError(typeof(NotCountedException), ErrorAction.Skip)]
internal sealed partial class StateLaneProcessor(StateHandler handler)
{
    [State("tallies")]
    [StateSerializer(typeof(TallySerializer))]
    private partial KeyedState<Tally> Tallies { get; }

    [State("digits")]
    [StateSerializer(typeof(CountSerializer))]
    private partial KeyedMap<int, long> Digits { get; }

    [StateMerge("tallies")]
    private static Tally Unite(Tally a, Tally b, Tally? common) => Tally.Unite(a, b, common ?? default);

    [StateMerge("digits")]
    private static long Unite(long a, long b, long? common) => a + b - (common ?? 0);

    [OnRecord]
    private ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken) =>
        handler.HandleAsync(
            BinaryPrimitives.ReadInt32LittleEndian(record.DataSpan), Tallies.Of(context), Digits.Of(context), null, context,
            cancellationToken);
}

/// <summary>The same in batches. A record fails alone, with those of its key behind it, so that these keep their order.</summary>
[KinesisProcessor(SimulatedCluster.Stream)]
[OnError(typeof(NotCountedException), ErrorAction.Skip)]
internal sealed partial class StateBatchProcessor(StateHandler handler)
{
    [State("tallies")]
    [StateSerializer(typeof(TallySerializer))]
    private partial KeyedState<Tally> Tallies { get; }

    [State("digits")]
    [StateSerializer(typeof(CountSerializer))]
    private partial KeyedMap<int, long> Digits { get; }

    [StateMerge("tallies")]
    private static Tally Unite(Tally a, Tally b, Tally? common) => Tally.Unite(a, b, common ?? default);

    [StateMerge("digits")]
    private static long Unite(long a, long b, long? common) => a + b - (common ?? 0);

    [OnBatch(MaxRecords = 7, MaxWait = "00:00:00.7")]
    private async ValueTask HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken)
    {
        HashSet<string> failed = new(StringComparer.Ordinal);
        for (int i = 0; i < batch.Count; i++)
        {
            int number = BinaryPrimitives.ReadInt32LittleEndian(batch[i].DataSpan);
            string key = batch[i].PartitionKey;
            if (StateHandler.IsLeftOut(number))
            {
                context.Fail(i, new NotCountedException());
            }
            else if (failed.Contains(key) || handler.FailsAlone(number))
            {
                failed.Add(key);
                context.Fail(i, new InvalidOperationException("The record fails, as records do."));
            }
            else
            {
                await handler.CountAsync(number, Tallies.Of(context, i), Digits.Of(context, i), null, cancellationToken);
            }
        }

        if (failed.Count == 0 && handler.AsksForCheckpoint)
        {
            await context.CheckpointAsync(cancellationToken);
            handler.ThrowAtTimes();
        }
    }
}

/// <summary>Thrown for what the error policy leaves out: always for the same records.</summary>
internal sealed class NotCountedException() : Exception("The record is not counted.");

/// <summary>What the users' code does on one worker: counts, slowly and with failures, before and behind the change.</summary>
internal class StateHandler(SimulatedWorker worker, HandlerHabits habits, Random random)
{
    /// <summary>How many digits a key's map has.</summary>
    public const int DigitCount = 3;

    /// <summary>Set when the faults are over.</summary>
    public bool IsWellBehaved { get; set; }

    /// <summary>True for records that the error policy leaves out.</summary>
    public static bool IsLeftOut(int number) => number % 13 == 5;

    /// <summary>True for records that make an output, where the processor has one.</summary>
    public static bool MakesOutput(int number) => !IsLeftOut(number) && number % 5 != 2;

    /// <summary>Set where no handler asks for a checkpoint.</summary>
    public bool NeverAsks { get; init; }

    /// <summary>True where a handler is to ask for a checkpoint.</summary>
    public bool AsksForCheckpoint => !NeverAsks && random.Next(20) == 0;

    /// <summary>True where one record is to fail. Some fail again and again, so that others get far ahead of them.</summary>
    public bool FailsAlone(int number) =>
        !IsWellBehaved && random.NextDouble() < (number % 17 == 3 ? 0.8 : habits.Throws / 2);

    /// <param name="number">What the record says.</param>
    /// <param name="tally">Its key's tally.</param>
    /// <param name="digits">Its key's digits.</param>
    /// <param name="add">Adds the record's output; null where the processor has none.</param>
    /// <param name="context">The record's context.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public virtual async ValueTask HandleAsync(
        int number,
        StateValue<Tally> tally,
        StateMap<int, long> digits,
        Action<Tally>? add,
        RecordContext context,
        CancellationToken cancellationToken)
    {
        await CountAsync(number, tally, digits, add, cancellationToken);
        if (FailsAlone(number))
        {
            throw new InvalidOperationException("The record fails, as records do.");
        }

        if (IsLeftOut(number))
        {
            throw new NotCountedException();
        }

        if (AsksForCheckpoint)
        {
            await context.CheckpointAsync(cancellationToken);
            // behind the checkpoint: the record is not tried again
            ThrowAtTimes();
        }
    }

    public async ValueTask CountAsync(
        int number, StateValue<Tally> tally, StateMap<int, long> digits, Action<Tally>? add, CancellationToken cancellationToken)
    {
        await WaitAsync(cancellationToken);
        ThrowAtTimes();
        Count(number, tally, digits);
        if (add is not null && MakesOutput(number))
        {
            add(tally.Value);
        }

        await WaitAsync(cancellationToken);
        ThrowAtTimes();
    }

    /// <summary>The change of the state.</summary>
    protected virtual void Count(int number, StateValue<Tally> tally, StateMap<int, long> digits)
    {
        ref Tally counted = ref tally.Edit();
        counted = counted.With(number);
        int digit = number % DigitCount;
        digits[digit] = (digits.TryGetValue(digit, out long count) ? count : 0) + 1;
    }

    public void ThrowAtTimes()
    {
        if (!IsWellBehaved && random.NextDouble() < habits.Throws / 2)
        {
            throw new InvalidOperationException("The handler fails, as handlers do.");
        }
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
        else if (random.NextDouble() < habits.Waits / 2)
        {
            await Task.Delay(habits.ShortWait * random.NextDouble(), worker.Process.Clock, cancellationToken);
        }
    }
}
