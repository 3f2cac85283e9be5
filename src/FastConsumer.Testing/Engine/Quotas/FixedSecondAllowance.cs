namespace FastConsumer.Testing.Engine.Quotas;

/// <summary>The clock's seconds, each with an allowance of its own; a debt uses up those that follow.</summary>
internal sealed class FixedSecondAllowance(long perSecond) : Allowance(perSecond)
{
    private long _second = long.MinValue;
    private long _used;

    public override bool Has(long amount, long nowMs)
    {
        Settle(nowMs);
        return _used + amount <= PerSecond;
    }

    public override void Charge(long amount, long nowMs)
    {
        Settle(nowMs);
        _used += amount;
    }

    private void Settle(long nowMs)
    {
        long second = nowMs / SecondMs;
        if (_second == long.MinValue)
        {
            _second = second;
        }

        // a whole number of seconds, each of which pays one allowance
        long paid = Math.Min(second - _second, (_used / PerSecond) + 1) * PerSecond;
        _used = Math.Max(0, _used - paid);
        _second = second;
    }
}
