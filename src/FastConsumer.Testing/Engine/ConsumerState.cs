namespace FastConsumer.Testing.Engine;

/// <summary>A registered fan-out consumer. Guarded by its stream's lock.</summary>
internal sealed class ConsumerState(string name, string arn, long createdMs, long dueMs)
{
    private readonly Dictionary<int, SubscriptionSlot> _slots = [];

    public string Name { get; } = name;

    public string Arn { get; } = arn;

    public long CreatedMs { get; } = createdMs;

    public string Status { get; private set; } = StreamStatus.Creating;

    public ResourceAttachments Attached { get; } = new();

    /// <summary>When the transition under way ends.</summary>
    public long DueMs { get; private set; } = dueMs;

    public void Delete(long dueMs)
    {
        Status = StreamStatus.Deleting;
        DueMs = dueMs;
    }

    /// <summary>What it does on a shard.</summary>
    public SubscriptionSlot Slot(int shardIndex)
    {
        if (!_slots.TryGetValue(shardIndex, out SubscriptionSlot? slot))
        {
            _slots.Add(shardIndex, slot = new SubscriptionSlot());
        }

        return slot;
    }

    /// <summary>A subscription has ended, unless another has taken its place.</summary>
    public void Release(SubscriptionState subscription)
    {
        if (_slots.TryGetValue(subscription.Shard.Index, out SubscriptionSlot? slot) && slot.Current == subscription)
        {
            slot.Current = null;
        }
    }

    /// <summary>Ends a transition that is due; true where the consumer is gone.</summary>
    public bool Settle(long nowMs)
    {
        if (nowMs < DueMs)
        {
            return false;
        }

        if (Status == StreamStatus.Creating)
        {
            Status = StreamStatus.Active;
        }

        return Status == StreamStatus.Deleting;
    }
}
