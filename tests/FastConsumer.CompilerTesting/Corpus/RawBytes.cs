// Bytes that become strings and arrays without need, and bytes that do not.
using System.Text;
using System.Text.Json;
using FastConsumer;

namespace Corpus.RawBytes;

[KinesisProcessor("readings")]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class WastefulReader
{
    [OnRecord]
    public void Handle(KinesisRecord record)
    {
        if ({|FC3004:record.PartitionKey|} == "heartbeat")
        {
            return;
        }

        Reading? reading = JsonSerializer.Deserialize({|FC3004:Encoding.UTF8.GetString(record.DataSpan)|}, CorpusJson.Default.Reading);
        Console.WriteLine(reading?.Value);
        Console.WriteLine(Convert.ToBase64String({|FC3004:record.Data.ToArray()|}));
    }
}

[KinesisProcessor("readings")]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class TextReader2
{
    [OnRecord]
    public void Handle(string {|FC3004:text|}) => Console.WriteLine(JsonSerializer.Deserialize(text, CorpusJson.Default.Reading));
}

[KinesisProcessor("readings")]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class ThriftyReader
{
    private readonly Dictionary<string, double> _values = [];

    [OnRecord]
    public void Handle(KinesisRecord record)
    {
        if (record.PartitionKeyUtf8.SequenceEqual("heartbeat"u8))
        {
            return;
        }

        Reading? reading = JsonSerializer.Deserialize(record.DataSpan, CorpusJson.Default.Reading);
        _values[record.PartitionKey] = reading?.Value ?? 0;
        string text = Encoding.UTF8.GetString(record.DataSpan);
        Console.WriteLine(text);
    }
}
