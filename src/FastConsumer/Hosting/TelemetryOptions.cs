namespace FastConsumer.Hosting;

/// <summary>Which figures bear the shard that they belong to.</summary>
public enum ShardTags
{
    /// <summary>Each shard has figures of its own, where the documentation of an instrument says so. The default.</summary>
    All,

    /// <summary>
    /// No figure names a shard: counts are summed, and of lags and shares the highest is told. For fleets that move thousands of shards,
    /// since OpenTelemetry keeps the counts of shards that are gone.
    /// </summary>
    None,
}

/// <summary>What metrics and traces tell: section <c>FastConsumer:Telemetry</c>.</summary>
public sealed class TelemetryOptions
{
    /// <summary>Which figures bear the shard that they belong to. The default is <see cref="ShardTags.All"/>.</summary>
    public ShardTags ShardTags { get; set; }

    /// <summary>
    /// Whether each record gets a span of its own, beside the one of its page. It costs some hundred bytes a record while a listener
    /// samples it. The default is false.
    /// </summary>
    public bool RecordSpans { get; set; }

    /// <summary>
    /// The property at the top level of a JSON payload that holds a W3C <c>traceparent</c>: spans are linked to it. The default is none.
    /// </summary>
    public string? TraceParentProperty { get; set; }
}

/// <summary>When a lag is a finding: section <c>FastConsumer:Lag</c>.</summary>
public sealed class LagOptions
{
    /// <summary>The default of <see cref="DegradedAt"/>: half of the retention, as AWS advises.</summary>
    public const double DefaultDegradedAt = 0.5;

    /// <summary>The default of <see cref="UnhealthyAt"/>: 0.8.</summary>
    public const double DefaultUnhealthyAt = 0.8;

    /// <summary>The default of <see cref="UnhealthyBeforeLoss"/>: 4 hours.</summary>
    public static readonly TimeSpan DefaultUnhealthyBeforeLoss = TimeSpan.FromHours(4);

    /// <summary>The part of the stream's retention from which a lag is degraded (FCF2001), more than 0 to 1. The default is 0.5.</summary>
    public double DegradedAt { get; set; } = DefaultDegradedAt;

    /// <summary>The part of the stream's retention from which a lag is unhealthy (FCF2009), more than 0 to 1. The default is 0.8.</summary>
    public double UnhealthyAt { get; set; } = DefaultUnhealthyAt;

    /// <summary>
    /// How long before records are lost, at the rate at which the lag grows now, it is unhealthy (FCF2009). Zero or more; the default is
    /// 4 hours.
    /// </summary>
    public TimeSpan UnhealthyBeforeLoss { get; set; } = DefaultUnhealthyBeforeLoss;
}
