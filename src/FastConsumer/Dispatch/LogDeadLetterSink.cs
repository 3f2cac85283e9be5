using FastConsumer.Diagnostics;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Dispatch;

/// <summary>
/// Says where a dead record lies and why, and keeps nothing of it: as long as the stream retains it, it can be read again there.
/// </summary>
internal sealed class LogDeadLetterSink(ILogger log) : IDeadLetterSink
{
    public ValueTask WriteAsync(DeadLetter letter, CancellationToken cancellationToken)
    {
        ShardContext shard = letter.Shard;
        ConsumerLog.DeadLetter(
            log,
            shard.ApplicationName,
            shard.ProcessorName,
            shard.StreamName,
            shard.ShardId,
            letter.Position,
            letter.Attempts,
            letter.Exception);
        return default;
    }
}
