using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("orders")]
public sealed partial class OrderWatcher : ProcessorBase
{
    [OnRecord]
    private static void Handle(string text)
    {
    }

    [OnShardStarted]
    private Task StartedAsync(ShardContext shard, CancellationToken cancellationToken) => Task.CompletedTask;

    [OnShardEnded]
    private ValueTask EndedAsync(CancellationToken cancellationToken) => default;

    [OnLeaseLost]
    [OnStopping]
    private void Leave(ShardContext shard)
    {
    }
}
