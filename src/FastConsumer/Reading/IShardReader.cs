using System.Threading.Channels;

namespace FastConsumer.Reading;

/// <summary>Reads one shard from its start position to its end and passes pages on, in order.</summary>
internal interface IShardReader
{
    /// <summary>Reads until the shard's end, or until cancelled; completes the writer either way.</summary>
    Task RunAsync(ChannelWriter<ReadItem> output, CancellationToken cancellationToken);
}
