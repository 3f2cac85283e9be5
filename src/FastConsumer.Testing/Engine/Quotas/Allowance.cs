namespace FastConsumer.Testing.Engine.Quotas;

/// <summary>So much a second. Times come in order; what is charged beyond the allowance is a debt that is paid first.</summary>
internal abstract class Allowance(long perSecond)
{
    protected const long SecondMs = 1000;

    protected long PerSecond { get; } = perSecond;

    public static Allowance Create(ReadQuotaModel model, long perSecond) => model switch
    {
        ReadQuotaModel.FixedSecond => new FixedSecondAllowance(perSecond),
        ReadQuotaModel.SlidingWindow => new SlidingWindowAllowance(perSecond),
        ReadQuotaModel.TokenBucket => new TokenBucketAllowance(perSecond),
        _ => throw new ArgumentOutOfRangeException(nameof(model), model, "Without a quota there is no allowance."),
    };

    /// <summary>True where so much is left.</summary>
    public abstract bool Has(long amount, long nowMs);

    public abstract void Charge(long amount, long nowMs);
}
