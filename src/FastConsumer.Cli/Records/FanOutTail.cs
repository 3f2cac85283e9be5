using FastConsumer.Kinesis;

namespace FastConsumer.Cli.Records;

/// <summary>Reads one shard by the subscription of a consumer that is registered already.</summary>
internal sealed class FanOutTail(
    IKinesisClient client, StreamTailSettings settings, ShardNode shard, string consumerArn, ShardTailOutput output)
{
    /// <summary>The service refuses a second subscription within five seconds.</summary>
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5.5);

    private readonly DateTimeOffset _startedAt = settings.Time.GetUtcNow();
    private StartingPosition _next = shard.IsChild ? settings.Start.OfChildren : settings.Start.Position;
    private long? _subscribedAt;

    /// <summary>Reads to the end. The shard's children where that was its own end; null where the tip or the time was.</summary>
    public async Task<IReadOnlyList<ChildShard>?> RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_subscribedAt is { } before && settings.Time.GetElapsedTime(before) is var since && since < s_interval)
            {
                await Task.Delay(s_interval - since, settings.Time, cancellationToken);
            }

            _subscribedAt = settings.Time.GetTimestamp();
            try
            {
                await using IShardSubscription subscription = await client.SubscribeToShardAsync(
                    consumerArn, shard.ShardId, _next, cancellationToken);
                if (_next.Type == ShardIteratorType.Latest)
                {
                    // LATEST is now but once
                    _next = StartingPosition.AtTimestamp(_startedAt);
                }

                if (await ReadAsync(subscription, cancellationToken) is var (isOver, children) && isOver)
                {
                    return children;
                }
            }
            catch (KinesisException e) when (e.Kind is KinesisErrorKind.Unavailable or KinesisErrorKind.Throttled
                or KinesisErrorKind.ResourceInUse)
            {
                settings.Note($"{shard.ShardId}: it is subscribed to again in {s_interval.TotalSeconds:0.0} s. {e.Message}");
            }
        }
    }

    /// <summary>Reads one subscription; true where the reading is over, with the children at the shard's end.</summary>
    private async Task<(bool IsOver, IReadOnlyList<ChildShard>? Children)> ReadAsync(
        IShardSubscription subscription, CancellationToken cancellationToken)
    {
        while (await subscription.ReadAsync(cancellationToken) is { } answer)
        {
            using (answer)
            {
                await output.PassOnAsync(output.Take(answer), cancellationToken);
                if (output.IsOver)
                {
                    return (true, null);
                }

                if (answer.ContinuationSequenceNumber is not { } continuation)
                {
                    return (true, answer.ChildShards);
                }

                _next = StartingPosition.After(continuation);
                if (answer.MillisBehindLatest is 0 && output.EndsAtTip)
                {
                    return (true, null);
                }
            }
        }

        return (false, null);
    }
}
