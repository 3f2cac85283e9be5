using System.Buffers.Text;
using FastConsumer.Processors;

namespace FastConsumer.LoadTest.StateSize;

/// <summary>A processor with one state, which each record changes; or, behind a restore, one whose records look at it.</summary>
internal sealed class SizedPipeline : RecordPipeline
{
    /// <summary>A key is these bytes and its number.</summary>
    public const string KeyStart = "key-";

    private readonly KeyedState<KeyTotals> _totals;
    private long _wrong;

    public SizedPipeline() => _totals = State.AddState("totals", ttl: null, new KeyTotals.Serializer());

    public override ProcessorState State { get; } = new(version: 1);

    /// <summary>How many records each key must have had; null where the records change the state.</summary>
    public int[]? Expected { get; init; }

    /// <summary>The keys whose totals are not what they must be.</summary>
    public long Wrong => Interlocked.Read(ref _wrong);

    public override ValueTask RunAsync(RecordCursor cursor, CancellationToken cancellationToken)
    {
        while (cursor.MoveNext())
        {
            cursor.EnterHandler();
            State.Begin(cursor);
            StateValue<KeyTotals> totals = _totals.Of(cursor.Context);
            int key = NumberOf(cursor.Current.PartitionKeyUtf8);
            if (Expected is null)
            {
                totals.Edit().Add(key);
            }
            else if (!totals.Exists || !totals.Value.IsSameAs(KeyTotals.After(key, Expected[key])))
            {
                Interlocked.Increment(ref _wrong);
            }

            State.Complete(cursor);
        }

        return default;
    }

    private static int NumberOf(ReadOnlySpan<byte> key) =>
        Utf8Parser.TryParse(key[KeyStart.Length..], out int number, out _)
            ? number
            : throw new FormatException("A key of the load test has no number.");
}
