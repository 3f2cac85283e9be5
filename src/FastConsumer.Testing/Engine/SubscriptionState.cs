namespace FastConsumer.Testing.Engine;

/// <summary>One subscription of a consumer to a shard. Guarded by its stream's lock.</summary>
internal sealed class SubscriptionState(
    long streamNumber, string consumerArn, ShardState shard, SubscriptionSlot slot, ulong position, Action wake)
{
    public long StreamNumber { get; } = streamNumber;

    public string ConsumerArn { get; } = consumerArn;

    public ShardState Shard { get; } = shard;

    /// <summary>What all subscriptions of the consumer to the shard have in common.</summary>
    public SubscriptionSlot Slot { get; } = slot;

    public ulong Position { get; set; } = position;

    /// <summary>True once a later call has taken over.</summary>
    public bool IsReplaced { get; set; }

    /// <summary>Tells whoever waits that there may be something to read. Called under the lock, so it only leaves a note.</summary>
    public Action Wake { get; } = wake;
}

/// <summary>What a consumer has done on one shard, for the limits of SubscribeToShard.</summary>
internal sealed class SubscriptionSlot
{
    public long? LastCallMs { get; set; }

    public long? LastSuccessMs { get; set; }

    /// <summary>When what was sent is paid for, at the pace of the quota; the next event is not sent before.</summary>
    public double PaidMs { get; set; }

    public SubscriptionState? Current { get; set; }
}
