using System.Buffers.Binary;
using FastConsumer.Simulation.Tests.Sink;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests.State;

/// <summary>Counts by key, and says for most records what its key has come to.</summary>
[KinesisProcessor(SimulatedCluster.Stream)]
[OnError(typeof(NotCountedException), ErrorAction.Skip)]
internal sealed partial class OutputProcessor(StateHandler handler)
{
    [State("tallies")]
    [StateSerializer(typeof(TallySerializer))]
    private partial KeyedState<Tally> Tallies { get; }

    [State("digits")]
    [StateSerializer(typeof(CountSerializer))]
    private partial KeyedMap<int, long> Digits { get; }

    [Output("rows")]
    private partial Output<CountedRow> Rows { get; }

    [StateMerge("tallies")]
    private static Tally Unite(Tally a, Tally b, Tally? common) => Tally.Unite(a, b, common ?? default);

    [StateMerge("digits")]
    private static long Unite(long a, long b, long? common) => a + b - (common ?? 0);

    [OnRecord]
    private ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken)
    {
        int number = BinaryPrimitives.ReadInt32LittleEndian(record.DataSpan);
        string key = record.PartitionKey;
        return handler.HandleAsync(
            number,
            Tallies.Of(context),
            Digits.Of(context),
            tally => Rows.Add(context, new CountedRow(key, number, tally)),
            context,
            cancellationToken);
    }
}

/// <summary>The same in lanes.</summary>
[KinesisProcessor(SimulatedCluster.Stream)]
[Concurrency(3)]
[OnError(typeof(NotCountedException), ErrorAction.Skip)]
internal sealed partial class OutputLaneProcessor(StateHandler handler)
{
    [State("tallies")]
    [StateSerializer(typeof(TallySerializer))]
    private partial KeyedState<Tally> Tallies { get; }

    [State("digits")]
    [StateSerializer(typeof(CountSerializer))]
    private partial KeyedMap<int, long> Digits { get; }

    [Output("rows")]
    private partial Output<CountedRow> Rows { get; }

    [StateMerge("tallies")]
    private static Tally Unite(Tally a, Tally b, Tally? common) => Tally.Unite(a, b, common ?? default);

    [StateMerge("digits")]
    private static long Unite(long a, long b, long? common) => a + b - (common ?? 0);

    [OnRecord]
    private ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken)
    {
        int number = BinaryPrimitives.ReadInt32LittleEndian(record.DataSpan);
        string key = record.PartitionKey;
        return handler.HandleAsync(
            number,
            Tallies.Of(context),
            Digits.Of(context),
            tally => Rows.Add(context, new CountedRow(key, number, tally)),
            context,
            cancellationToken);
    }
}

/// <summary>The same in batches, of each of which a value more says what it had.</summary>
[KinesisProcessor(SimulatedCluster.Stream)]
[OnError(typeof(NotCountedException), ErrorAction.Skip)]
internal sealed partial class OutputBatchProcessor(StateHandler handler)
{
    [State("tallies")]
    [StateSerializer(typeof(TallySerializer))]
    private partial KeyedState<Tally> Tallies { get; }

    [State("digits")]
    [StateSerializer(typeof(CountSerializer))]
    private partial KeyedMap<int, long> Digits { get; }

    [Output("rows")]
    private partial Output<CountedRow> Rows { get; }

    [StateMerge("tallies")]
    private static Tally Unite(Tally a, Tally b, Tally? common) => Tally.Unite(a, b, common ?? default);

    [StateMerge("digits")]
    private static long Unite(long a, long b, long? common) => a + b - (common ?? 0);

    [OnBatch(MaxRecords = 7, MaxWait = "00:00:00.7")]
    private async ValueTask HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken)
    {
        HashSet<string> failed = new(StringComparer.Ordinal);
        List<int> counted = [];
        int last = -1;
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
                int place = i;
                await handler.CountAsync(
                    number,
                    Tallies.Of(context, i),
                    Digits.Of(context, i),
                    tally => Rows.Add(context, place, new CountedRow(key, number, tally)),
                    cancellationToken);
                counted.Add(number);
                last = i;
            }
        }

        if (last >= 0)
        {
            Rows.Add(context, last, new CountedRow(batch[last].PartitionKey, counted[^1], default) { Batch = counted });
        }

        if (failed.Count == 0 && handler.AsksForCheckpoint)
        {
            await context.CheckpointAsync(cancellationToken);
            handler.ThrowAtTimes();
        }
    }
}
