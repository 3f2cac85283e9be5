// A channel to a background writer; only copies may go into it.
using System.Threading.Channels;
using FastConsumer;

namespace Corpus.Channels;

[KinesisProcessor("clicks")]
public sealed partial class ChannelProcessor(Channel<KinesisRecord> channel)
{
    [OnRecord]
    public ValueTask HandleAsync(KinesisRecord record, CancellationToken cancellationToken) =>
        {|FC2006:channel.Writer.WriteAsync({|FC2005:record|}, cancellationToken)|};
}

[KinesisProcessor("clicks")]
public sealed partial class OwnedChannelProcessor(ChannelWriter<(string Key, byte[] Data)> writer)
{
    [OnRecord]
    public async ValueTask HandleAsync(KinesisRecord record, CancellationToken cancellationToken) =>
        await {|FC2006:writer.WriteAsync((record.PartitionKey, record.Data.ToArray()), cancellationToken)|};
}

[KinesisProcessor("clicks")]
public sealed partial class TupleChannelProcessor(ChannelWriter<(string Key, ReadOnlyMemory<byte> Data)> writer)
{
    [OnRecord]
    public async ValueTask HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        var item = (record.PartitionKey, record.Data);
        await {|FC2006:writer.WriteAsync({|FC2005:item|}, cancellationToken)|};
    }
}
