using System.Text.Json.Serialization;
using FastConsumer.LoadTest.Read;
using FastConsumer.Processors;

namespace FastConsumer.LoadTest.Pipeline;

/// <summary>How many records a key had.</summary>
internal struct KeyCount
{
    public long Count { get; set; }
}

[JsonSerializable(typeof(KeyCount))]
internal sealed partial class KeyCountJson : JsonSerializerContext;

/// <summary><see cref="LengthProcessor"/> with a state that its handler never uses.</summary>
[KinesisProcessor("pipeline", JsonContext = typeof(KeyCountJson))]
internal sealed partial class UntouchedLengthProcessor
{
    public long Sum { get; private set; }

    [State("counts")]
    internal partial KeyedState<KeyCount> Counts { get; }

    [OnRecord]
    public void Handle(ReadOnlySpan<byte> data) => Sum += data.Length;
}

/// <summary><see cref="LengthProcessor"/> with a state that its handler changes with each record.</summary>
[KinesisProcessor("pipeline", JsonContext = typeof(KeyCountJson))]
internal sealed partial class KeyedLengthProcessor
{
    public long Sum { get; private set; }

    [State("counts")]
    internal partial KeyedState<KeyCount> Counts { get; }

    [OnRecord]
    public void Handle(ReadOnlySpan<byte> data, RecordContext context)
    {
        ref KeyCount key = ref Counts.Of(context).Edit();
        key.Count++;
        Sum += data.Length;
    }
}

/// <summary>
/// The pipelines alone, on records that lie in memory: a processor without state, with one that is never used, and with one that each
/// record changes, in turns. No socket and no checkpoint is in the figures, so they decide what is too small to be seen in a worker.
/// </summary>
internal static class StateTurns
{
    private const int Keys = 10_000;
    private const int Pages = 4;

    public static StateTurnsFigures Run(int size, int rounds)
    {
        var random = new Random(1);
        int[] keys = [.. Enumerable.Range(0, Keys)];
        var pages = new PipelinePages[Pages];
        for (int i = 0; i < pages.Length; i++)
        {
            // each in another order: the state is not met in the order in which it lies
            random.Shuffle(keys);
            pages[i] = PipelinePages.OfKeys(keys, size);
        }

        var off = new GeneratedLoop<LengthProcessor>(new LengthProcessor(), recordsPerCheckpoint: 0);
        var on = new GeneratedLoop<UntouchedLengthProcessor>(new UntouchedLengthProcessor(), recordsPerCheckpoint: 0);
        var keyed = new GeneratedLoop<KeyedLengthProcessor>(new KeyedLengthProcessor(), recordsPerCheckpoint: 0);
        double[][] turns = Turns.Run(rounds, Pages * Keys, () => Run(off, pages), () => Run(on, pages), () => Run(keyed, pages));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(off, pages);
        long offAllocated = GC.GetAllocatedBytesForCurrentThread() - before;
        before = GC.GetAllocatedBytesForCurrentThread();
        Run(keyed, pages);
        long keyedAllocated = GC.GetAllocatedBytesForCurrentThread() - before;
        foreach (PipelinePages page in pages)
        {
            page.Dispose();
        }

        return new StateTurnsFigures(
            PairedDifference.Of(turns[1], turns[0]),
            PairedDifference.Of(turns[2], turns[0]),
            // what a page itself takes is in both
            (double)(keyedAllocated - offAllocated) / (Pages * Keys));
    }

    private static void Run<TProcessor>(GeneratedLoop<TProcessor> loop, PipelinePages[] pages)
        where TProcessor : class, IKinesisProcessor<TProcessor>
    {
        foreach (PipelinePages page in pages)
        {
            int done = loop.Run(page.Arrive());
            if (done != page.Count)
            {
                throw new InvalidOperationException($"{done} of {page.Count} records are done.");
            }
        }
    }
}

/// <summary>CPU nanoseconds that state costs a record, and the bytes that a change allocates.</summary>
internal sealed record StateTurnsFigures(PairedDifference Untouched, PairedDifference Keyed, double KeyedBytes);
