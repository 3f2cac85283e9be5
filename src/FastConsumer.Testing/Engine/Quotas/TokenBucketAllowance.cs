namespace FastConsumer.Testing.Engine.Quotas;

/// <summary>A bucket that holds one second's allowance, is full at first and fills evenly; a debt is a level below zero.</summary>
internal sealed class TokenBucketAllowance(long perSecond) : Allowance(perSecond)
{
    // thousandths, so that a millisecond's refill is a whole number
    private long _level = perSecond * SecondMs;
    private long? _settledMs;

    public override bool Has(long amount, long nowMs)
    {
        Settle(nowMs);
        return _level >= amount * SecondMs;
    }

    public override void Charge(long amount, long nowMs)
    {
        Settle(nowMs);
        _level -= amount * SecondMs;
    }

    private void Settle(long nowMs)
    {
        long full = PerSecond * SecondMs;
        long missing = full - _level;
        long elapsedMs = Math.Max(0, nowMs - (_settledMs ?? nowMs));
        _level = elapsedMs > missing / PerSecond ? full : _level + (elapsedMs * PerSecond);
        _settledMs = nowMs;
    }
}
