using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace FastConsumer.LoadTest.ExactlyOnce;

/// <summary>Counts the records of each key, and puts each record with its count out.</summary>
[KinesisProcessor(StreamName)]
[Concurrency(4)]
internal sealed partial class CountingProcessor
{
    public const string StreamName = "exactly-once";

    [State("counts")]
    [StateSerializer(typeof(CountSerializer))]
    private partial KeyedState<long> Counts { get; }

    [Output("rows")]
    private partial Output<CountedRecord> Rows { get; }

    [OnRecord]
    private async ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken)
    {
        string id = Encoding.UTF8.GetString(record.DataSpan);
        Rows.Add(context, new CountedRecord(id, ++Counts.Of(context).Edit()));
        // so that lanes are in the midst of several records
        await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, cancellationToken);
    }
}

/// <summary>A record, and which of its key it is.</summary>
internal readonly record struct CountedRecord(string Id, long Count);

/// <summary>Counts as 8 bytes.</summary>
internal sealed class CountSerializer : IStateSerializer<long>
{
    public void Write(long value, IBufferWriter<byte> output)
    {
        BinaryPrimitives.WriteInt64LittleEndian(output.GetSpan(sizeof(long)), value);
        output.Advance(sizeof(long));
    }

    public long Read(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt64LittleEndian(bytes);
}
