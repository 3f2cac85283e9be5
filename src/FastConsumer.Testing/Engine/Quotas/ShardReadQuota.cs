namespace FastConsumer.Testing.Engine.Quotas;

/// <summary>What a shard may still be read, by all its polling consumers together. Guarded by the stream's lock.</summary>
internal sealed class ShardReadQuota(ReadQuotaModel model)
{
    private readonly Allowance _calls = Allowance.Create(model, ShardLimits.ReadCallsPerSecond);
    private readonly Allowance _bytes = Allowance.Create(model, ShardLimits.ReadBytesPerSecond);
    private readonly Allowance _iterators = Allowance.Create(model, ShardLimits.IteratorCallsPerSecond);
    private readonly List<Neighbour> _neighbours = [];
    private long _pausedUntilMs = long.MinValue;

    public void Add(Neighbour neighbour) => _neighbours.Add(neighbour);

    public void Remove(Neighbour neighbour) => _neighbours.Remove(neighbour);

    public bool TryEnterIterator(long nowMs)
    {
        if (!_iterators.Has(1, nowMs))
        {
            return false;
        }

        _iterators.Charge(1, nowMs);
        return true;
    }

    /// <summary>Lets a GetRecords call in, or not; the answer is charged when its size is known.</summary>
    public bool TryEnterRead(long nowMs)
    {
        Settle(nowMs);
        return TryEnter(nowMs);
    }

    /// <param name="bytes">The answer's data and partition keys.</param>
    /// <param name="isFull">True where 10 MiB were read.</param>
    /// <param name="nowMs">The time of the call.</param>
    public void ChargeRead(long bytes, bool isFull, long nowMs)
    {
        _bytes.Charge(bytes, nowMs);
        if (isFull)
        {
            _pausedUntilMs = nowMs + ShardLimits.FullAnswerPauseMs;
        }
    }

    /// <summary>Makes the calls that the neighbours have made since somebody looked, in the order of their times.</summary>
    public void Settle(long nowMs)
    {
        while (Next(nowMs) is { } neighbour)
        {
            long timeMs = neighbour.Take(nowMs);
            if (TryEnter(timeMs))
            {
                _bytes.Charge(neighbour.BytesPerCall, timeMs);
            }
        }
    }

    private Neighbour? Next(long nowMs)
    {
        Neighbour? first = null;
        foreach (Neighbour neighbour in _neighbours)
        {
            if (neighbour.DueMs <= nowMs && (first is null || neighbour.DueMs < first.DueMs))
            {
                first = neighbour;
            }
        }

        return first;
    }

    private bool TryEnter(long nowMs)
    {
        if (nowMs < _pausedUntilMs || !_calls.Has(1, nowMs) || !_bytes.Has(1, nowMs))
        {
            return false;
        }

        _calls.Charge(1, nowMs);
        return true;
    }
}
