namespace FastConsumer.Testing.Engine.Quotas;

/// <summary>Any second: what was charged within the last one counts. A debt is booked to the times at which room for it comes.</summary>
internal sealed class SlidingWindowAllowance(long perSecond) : Allowance(perSecond)
{
    // in order of time; those that lie ahead are debt
    private readonly Queue<(long TimeMs, long Amount)> _charges = new();
    private long _sum;
    private long _lastMs;

    public override bool Has(long amount, long nowMs)
    {
        Forget(nowMs);
        return _sum + amount <= PerSecond && _lastMs <= nowMs;
    }

    public override void Charge(long amount, long nowMs)
    {
        long timeMs = Math.Max(nowMs, _lastMs);
        while (amount > 0)
        {
            Forget(timeMs);
            long free = Math.Min(amount, PerSecond - _sum);
            if (free > 0)
            {
                _charges.Enqueue((timeMs, free));
                _sum += free;
                amount -= free;
                _lastMs = timeMs;
            }

            if (amount > 0)
            {
                timeMs = _charges.Peek().TimeMs + SecondMs;
            }
        }
    }

    private void Forget(long nowMs)
    {
        while (_charges.TryPeek(out (long TimeMs, long Amount) oldest) && oldest.TimeMs <= nowMs - SecondMs)
        {
            _sum -= oldest.Amount;
            _charges.Dequeue();
        }
    }
}
