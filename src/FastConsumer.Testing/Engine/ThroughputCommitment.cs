namespace FastConsumer.Testing.Engine;

/// <summary>
/// The account's commitment to a minimum throughput (On-demand Advantage). It lasts 24 hours at least: one that is disabled
/// earlier ends by itself when they are over, and may be enabled again until then.
/// </summary>
internal sealed class ThroughputCommitment
{
    public const string Enabled = "ENABLED";
    public const string Disabled = "DISABLED";
    private const string Ending = "ENABLED_UNTIL_EARLIEST_ALLOWED_END";
    private const long LeastMs = 24 * 3_600_000L;

    private readonly Lock _gate = new();
    private CommitmentView _now = new(Disabled, null, null, null);

    public bool IsOn(long nowMs) => View(nowMs).Status != Disabled;

    public CommitmentView View(long nowMs)
    {
        lock (_gate)
        {
            return Settle(nowMs);
        }
    }

    public CommitmentView Set(bool isEnabled, long nowMs)
    {
        lock (_gate)
        {
            CommitmentView before = Settle(nowMs);
            return _now = (before.Status, isEnabled) switch
            {
                (Disabled, true) => new CommitmentView(Enabled, nowMs, null, nowMs + LeastMs),
                (Ending, true) => before with { Status = Enabled },
                (Enabled, false) when nowMs < before.EarliestAllowedEndMs => before with { Status = Ending },
                (Enabled, false) => before with { Status = Disabled, EndedMs = nowMs },
                _ => before,
            };
        }
    }

    private CommitmentView Settle(long nowMs)
    {
        if (_now.Status == Ending && nowMs >= _now.EarliestAllowedEndMs)
        {
            _now = _now with { Status = Disabled, EndedMs = _now.EarliestAllowedEndMs };
        }

        return _now;
    }
}
