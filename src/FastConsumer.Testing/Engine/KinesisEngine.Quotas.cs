using FastConsumer.Testing.Engine.Quotas;

namespace FastConsumer.Testing.Engine;

internal sealed partial class KinesisEngine
{
    /// <summary>Another application that reads the shard, until the answer is disposed.</summary>
    public IDisposable AddNeighbour(StreamReference stream, string shardId, double callsPerSecond, long bytesPerSecond)
    {
        if (_settings.ReadQuota == ReadQuotaModel.None)
        {
            throw new InvalidOperationException(
                "A neighbour takes its part of a shard's quota, and this service enforces none: choose a ReadQuota.");
        }

        using StreamScope scope = Enter(stream);
        ShardReadQuota quota = ReadQuota(Shard(scope.Stream, shardId));
        var neighbour = new Neighbour(callsPerSecond, bytesPerSecond, scope.NowMs);
        quota.Add(neighbour);
        return new Leaving(this, scope.Stream, quota, neighbour);
    }

    private ShardReadQuota ReadQuota(ShardState shard) => shard.ReadQuota ??= new ShardReadQuota(_settings.ReadQuota);

    private void RequireIteratorQuota(StreamState stream, ShardState shard, long nowMs)
    {
        if (_settings.ReadQuota != ReadQuotaModel.None && !ReadQuota(shard).TryEnterIterator(nowMs))
        {
            throw EngineException.ThroughputExceeded(RateExceeded(stream, shard));
        }
    }

    private void RequireReadQuota(StreamState stream, ShardState shard, long nowMs)
    {
        if (_settings.ReadQuota != ReadQuotaModel.None && !ReadQuota(shard).TryEnterRead(nowMs))
        {
            throw EngineException.ThroughputExceeded(RateExceeded(stream, shard));
        }
    }

    private void ChargeRead(ShardState shard, StoredRecord[] records, bool isCut, long nowMs)
    {
        if (_settings.ReadQuota == ReadQuotaModel.None)
        {
            return;
        }

        long bytes = records.Sum(static record => (long)record.Bytes);
        bool isFull = bytes >= ShardLimits.FullAnswerBytes || (isCut && _settings.MaxResponseBytes >= ShardLimits.FullAnswerBytes);
        ReadQuota(shard).ChargeRead(bytes, isFull, nowMs);
    }

    /// <summary>Events follow each other at 2 MiB a second; nobody documents that a consumer may save up more.</summary>
    private void ChargeSubscription(SubscriptionSlot slot, StoredRecord[] records, long nowMs)
    {
        if (_settings.ReadQuota != ReadQuotaModel.None)
        {
            slot.PaidMs = Math.Max(slot.PaidMs, nowMs)
                + (records.Sum(static record => (long)record.Bytes) * 1000.0 / ShardLimits.ConsumerBytesPerSecond);
        }
    }

    private bool HasWriteQuota(ShardState shard, long bytes, long nowMs) =>
        !_settings.WriteQuota || (shard.WriteQuota ??= new ShardWriteQuota()).TryPut(bytes, nowMs);

    private string RateExceeded(StreamState stream, ShardState shard) =>
        $"Rate exceeded for shard {shard.ShardId} in stream {stream.Name} under account {_settings.AccountId}.";

    private sealed class Leaving(KinesisEngine engine, StreamState stream, ShardReadQuota quota, Neighbour neighbour) : IDisposable
    {
        public void Dispose()
        {
            lock (stream.Gate)
            {
                quota.Settle(engine.NowMs());
                quota.Remove(neighbour);
            }
        }
    }
}
