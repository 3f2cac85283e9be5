using System.Text;
using FastConsumer.Kinesis;

namespace FastConsumer.Testing.Engine;

internal sealed partial class KinesisEngine
{
    private const int MaxEventRecords = 10_000;

    /// <summary>The most data and partition keys of one event, where it has more than one record.</summary>
    private const int MaxEventBytes = 1024 * 1024;

    private const long SubscribeIntervalMs = 1000;
    private const long TakeOverAfterMs = 5000;

    /// <summary>
    /// Subscribes a consumer to a shard; a subscription of more than five seconds ago is taken over. The caller reads with
    /// <see cref="ReadSubscription"/> whenever <paramref name="wake"/> was called, and ends with <see cref="EndSubscription"/>.
    /// </summary>
    public SubscriptionState SubscribeToShard(SubscribeToShardRequest request, Action wake)
    {
        RequestRules.Length(request.ConsumerArn, "consumerARN", 1, 2048);
        if (request.StartingType is null)
        {
            throw EngineException.Missing("startingPosition");
        }

        var reference = new ConsumerReference(null, null, request.ConsumerArn);
        using StreamScope scope = EnterFor(reference, out string? arn);
        StreamState stream = scope.Stream;
        ConsumerState consumer = Consumer(stream, reference, arn);
        if (consumer.Status != StreamStatus.Active)
        {
            throw EngineException.InUse(
                $"Consumer {consumer.Name} under stream {stream.Name} is not ACTIVE, instead in state {consumer.Status}.");
        }

        ShardState shard = Shard(stream, request.ShardId);
        var start = new GetShardIteratorRequest(
            new StreamReference(null, stream.Arn), shard.ShardId, request.StartingType, request.SequenceNumber, request.TimestampMs);
        if (request.DryRun)
        {
            StartPosition(stream, shard, start, scope.NowMs);
            throw EngineException.DryRun("SubscribeToShard");
        }

        SubscriptionSlot slot = consumer.Slot(shard.Index);
        long? sinceCallMs = scope.NowMs - slot.LastCallMs;
        slot.LastCallMs = scope.NowMs;
        if (scope.NowMs - slot.LastSuccessMs < TakeOverAfterMs)
        {
            throw EngineException.InUse($"Another active subscription exists for this consumer: {arn} on shard {shard.ShardId}; "
                + "it can be taken over 5 seconds after it began.");
        }

        if (sinceCallMs < SubscribeIntervalMs)
        {
            throw EngineException.LimitExceeded(
                $"Rate exceeded for SubscribeToShard of consumer {arn} on shard {shard.ShardId}: one call a second is allowed.");
        }

        shard.Trim(stream.HorizonMs(scope.NowMs));
        ulong position = StartPosition(stream, shard, start, scope.NowMs);
        if (slot.Current is { } former)
        {
            former.IsReplaced = true;
            former.Wake();
        }

        slot.LastSuccessMs = scope.NowMs;
        slot.Current = new SubscriptionState(stream.Number, consumer.Arn, shard, slot, position, wake);
        shard.Subscriptions.Add(slot.Current);
        return slot.Current;
    }

    /// <summary>The time until the quota of the consumer on the shard allows the next event; zero where none is enforced.</summary>
    public TimeSpan UntilPaid(SubscriptionState subscription)
    {
        if (_settings.ReadQuota == ReadQuotaModel.None)
        {
            return TimeSpan.Zero;
        }

        using StreamScope scope = Enter(subscription.StreamNumber);
        double rest = subscription.IsReplaced ? 0 : subscription.Slot.PaidMs - scope.NowMs;
        return rest > 0 ? TimeSpan.FromMilliseconds(Math.Ceiling(rest)) : TimeSpan.Zero;
    }

    /// <summary>The next event; null where there is nothing to say, unless an event without records is wanted.</summary>
    /// <exception cref="EngineException">The subscription was taken over, or its stream or consumer is gone.</exception>
    public SubscriptionEvent? ReadSubscription(SubscriptionState subscription, bool evenIfEmpty)
    {
        using StreamScope scope = Enter(subscription.StreamNumber);
        if (subscription.IsReplaced)
        {
            throw EngineException.InUse(
                $"Another subscription has taken over: {subscription.ConsumerArn} on shard {subscription.Shard.ShardId}.");
        }

        if (Consumer(scope.Stream, new ConsumerReference(null, null, subscription.ConsumerArn), subscription.ConsumerArn).Status
            == StreamStatus.Deleting)
        {
            throw EngineException.NotFound($"Consumer {subscription.ConsumerArn} is being deregistered.");
        }

        ShardState shard = subscription.Shard;
        shard.Trim(scope.Stream.HorizonMs(scope.NowMs));
        StoredRecord[] records = shard.Read(subscription.Position, MaxEventRecords, MaxEventBytes, out ulong next);
        bool atTip = next == shard.TipPosition;
        bool atEnd = atTip && shard.ClosedMs is not null;
        if (records.Length == 0 && !atEnd && !evenIfEmpty)
        {
            return null;
        }

        subscription.Position = next;
        ChargeSubscription(subscription.Slot, records, scope.NowMs);
        long behindMs = atTip ? 0 : Math.Max(1, scope.NowMs - shard.ArrivalAt(next));
        return atEnd
            ? new SubscriptionEvent(records, null, behindMs, [
                .. shard.Children.Select(static child => new ChildShard(child.ShardId, child.Parents, child.Range))])
            : new SubscriptionEvent(
                records,
                records.Length > 0 ? Encoding.ASCII.GetString(records[^1].SequenceNumber) : shard.ContinuationBefore(next, scope.NowMs),
                behindMs, []);
    }

    /// <summary>Forgets a subscription whose connection has ended.</summary>
    public void EndSubscription(SubscriptionState subscription)
    {
        StreamState? stream;
        lock (_directory)
        {
            _streamsByNumber.TryGetValue(subscription.StreamNumber, out stream);
        }

        // with its stream it has gone already
        if (!TryEnter(stream, out StreamScope scope))
        {
            return;
        }

        using (scope)
        {
            subscription.Shard.Subscriptions.Remove(subscription);
            foreach (ConsumerState consumer in scope.Stream.Consumers.Values)
            {
                consumer.Release(subscription);
            }
        }
    }
}
