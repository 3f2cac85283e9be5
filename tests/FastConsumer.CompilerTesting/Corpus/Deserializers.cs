// A payload of one's own, with views inside, used within the call.
using FastConsumer;

namespace Corpus.Deserializers;

public readonly record struct Line(ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Value);

public sealed class LineReader : IRecordDeserializer<Line>
{
    public Line Deserialize(KinesisRecord record)
    {
        int split = record.DataSpan.IndexOf((byte)'=');
        return new Line(record.Data[..split], record.Data[(split + 1)..]);
    }
}

[KinesisProcessor("lines")]
public sealed partial class LineProcessor(IDeadLetters letters)
{
    [OnRecord]
    public async Task HandleAsync([Deserializer(typeof(LineReader))] Line line, CancellationToken cancellationToken) =>
        await letters.SendAsync("line", line.Value, cancellationToken);
}
