using System.Text;
using FastConsumer;

namespace Acme.Orders;

[Deserializer(typeof(CsvLineReader))]
public sealed record CsvLine(string[] Cells);

public sealed class CsvLineReader : IRecordDeserializer<CsvLine>
{
    public CsvLine Deserialize(KinesisRecord record) => new(Encoding.UTF8.GetString(record.DataSpan).Split(','));
}

public sealed class CountReader(int offset) : IRecordDeserializer<int>, IRecordDeserializer<string?>
{
    int IRecordDeserializer<int>.Deserialize(KinesisRecord record) => record.DataSpan.Length + offset;

    string? IRecordDeserializer<string?>.Deserialize(KinesisRecord record) => null;
}

public readonly struct LengthReader : IRecordDeserializer<long>
{
    public long Deserialize(KinesisRecord record) => record.DataSpan.Length;
}

[KinesisProcessor("lines", RouteProperty = "kind")]
public sealed partial class LineProcessor : ProcessorBase
{
    [OnRecord]
    private void Line(CsvLine line)
    {
    }

    [OnRecord(Route = "count")]
    private void Count([Deserializer(typeof(CountReader))] int count)
    {
    }

    [OnRecord(Route = "text")]
    private void Text([Deserializer(typeof(CountReader))] string? text)
    {
    }

    [OnRecord(Route = "length")]
    private void Length([Deserializer(typeof(LengthReader))] long length)
    {
    }
}
