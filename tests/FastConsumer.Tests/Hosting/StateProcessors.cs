using System.Globalization;
using System.Text;

namespace FastConsumer.Tests.Hosting;

/// <summary>Numbers as text.</summary>
public sealed class NumberSerializer : IStateSerializer<int>
{
    public void Write(int value, System.Buffers.IBufferWriter<byte> output) =>
        output.Advance(Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture), output.GetSpan(16)));

    public int Read(ReadOnlySpan<byte> bytes) => int.Parse(bytes, NumberStyles.None, CultureInfo.InvariantCulture);
}

/// <summary>The same, of a later version, whose numbers are ten times as large.</summary>
public sealed class TenfoldSerializer : IStateSerializer<long>, IStateSerializer<int>
{
    public void Write(long value, System.Buffers.IBufferWriter<byte> output) =>
        output.Advance(Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture), output.GetSpan(24)));

    void IStateSerializer<int>.Write(int value, System.Buffers.IBufferWriter<byte> output) => throw new NotSupportedException();

    int IStateSerializer<int>.Read(ReadOnlySpan<byte> bytes) => int.Parse(bytes, NumberStyles.None, CultureInfo.InvariantCulture);

    public long Read(ReadOnlySpan<byte> bytes) => long.Parse(bytes, NumberStyles.None, CultureInfo.InvariantCulture);
}

/// <summary>Counts the records of each key, and remembers each text.</summary>
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
