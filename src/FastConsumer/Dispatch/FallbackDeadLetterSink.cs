using FastConsumer.Diagnostics;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Dispatch;

/// <summary>Writes to a second sink what the first one can never take.</summary>
internal sealed class FallbackDeadLetterSink(IDeadLetterSink first, IDeadLetterSink second, ILogger log) : IDeadLetterSink
{
    public async ValueTask WriteAsync(DeadLetter letter, CancellationToken cancellationToken)
    {
        try
        {
            await first.WriteAsync(letter, cancellationToken);
        }
        catch (DeadLetterRefusedException e)
        {
            ConsumerLog.DeadLetterRedirected(log, letter.Shard.ProcessorName, letter.Position, letter.Shard.ShardId, e.Message);
            await second.WriteAsync(letter, cancellationToken);
        }
    }
}
