namespace FastConsumer.Testing.Engine.Quotas;

/// <summary>What may still be put into a shard: 1,000 records and 1 MiB a second. Guarded by the stream's lock.</summary>
internal sealed class ShardWriteQuota
{
    private readonly TokenBucketAllowance _records = new(ShardLimits.WriteRecordsPerSecond);
    private readonly TokenBucketAllowance _bytes = new(ShardLimits.WriteBytesPerSecond);

    public bool TryPut(long bytes, long nowMs)
    {
        // a record above a second's allowance waits for a full bucket, and leaves a debt
        if (!_records.Has(1, nowMs) || !_bytes.Has(Math.Min(bytes, ShardLimits.WriteBytesPerSecond), nowMs))
        {
            return false;
        }

        _records.Charge(1, nowMs);
        _bytes.Charge(bytes, nowMs);
        return true;
    }
}
