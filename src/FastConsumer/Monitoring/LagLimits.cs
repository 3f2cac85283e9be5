namespace FastConsumer.Monitoring;

/// <summary>When a lag is a finding.</summary>
/// <param name="DegradedAt">The part of the retention from which it is degraded.</param>
/// <param name="UnhealthyAt">The part of the retention from which it is unhealthy.</param>
/// <param name="UnhealthyBeforeLoss">How long before the first loss it is unhealthy.</param>
internal readonly record struct LagLimits(double DegradedAt, double UnhealthyAt, TimeSpan UnhealthyBeforeLoss);
