// Records kept for a later flush: views of memory that is returned.
using FastConsumer;
using FastConsumer.Kinesis;

namespace Corpus.Buffering;

[KinesisProcessor("clicks")]
public sealed partial class KeepingProcessor
{
    private readonly List<KinesisRecord> _pending = [];
    private readonly Dictionary<string, ReadOnlyMemory<byte>> _latest = [];
    private ReadOnlyMemory<byte> _last;
    private Action? _later;

    [OnRecord]
    public void Handle(KinesisRecord record)
    {
        _pending.Add({|FC2005:record|});
        ReadOnlyMemory<byte> data = record.Data;
        _latest[record.PartitionKey] = {|FC2005:data.Slice(4)|};
        _last = {|FC2005:data|};
        _later = {|FC2005:() => Console.WriteLine(record.SequenceNumber)|};
        _later();
        Console.WriteLine(_last.Length);
    }
}

[KinesisProcessor("clicks")]
public sealed partial class CopyingProcessor
{
    private readonly List<KinesisRecord> _pending = [];
    private byte[] _last = [];
    private SequenceNumber _position;
    private long _bytes;

    [OnRecord]
    public void Handle(KinesisRecord record)
    {
        _pending.Add(record.ToOwned());
        _last = record.Data.ToArray();
        _position = record.SequenceNumber;
        _bytes += record.Data.Length;
    }

    [OnStopping]
    public void Stop() => Console.WriteLine($"{_pending.Count} {_last.Length} {_position} {_bytes}");
}
