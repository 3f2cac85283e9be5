namespace FastConsumer.CloudWatch;

/// <summary>How FastConsumer's figures get to CloudWatch under KCL's names.</summary>
public sealed class CloudWatchOptions
{
    /// <summary>The default of <see cref="FlushInterval"/>: 1 minute, CloudWatch's own resolution.</summary>
    public static readonly TimeSpan DefaultFlushInterval = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The default of <see cref="AgentEndpoint"/>: <c>tcp://127.0.0.1:25888</c>, where the agent listens if it is not told otherwise.
    /// </summary>
    public static readonly Uri DefaultAgentEndpoint = new("tcp://127.0.0.1:25888");

    /// <summary>
    /// The namespace of the metrics: 1 to 255 of letters, digits and <c>. - _ / # :</c>, not beginning with <c>AWS/</c>. Null, the
    /// default, for the name of the application, as KCL has it.
    /// </summary>
    public string? Namespace { get; set; }

    /// <summary>
    /// How often the metrics are written, 1 second to 1 hour. The default is 1 minute. Counts are those since the last time; shorter
    /// intervals write more lines, and CloudWatch keeps one point a minute all the same.
    /// </summary>
    public TimeSpan FlushInterval { get; set; } = DefaultFlushInterval;

    /// <summary>Where metrics are written. The default is <see cref="CloudWatchDestination.StandardOutput"/>.</summary>
    public CloudWatchDestination Destination { get; set; }

    /// <summary>
    /// Where the agent listens: <c>tcp://</c> or <c>udp://</c>, a host, and a port. The default is <c>tcp://127.0.0.1:25888</c>. Used with
    /// <see cref="CloudWatchDestination.Agent"/> only.
    /// </summary>
    public Uri AgentEndpoint { get; set; } = DefaultAgentEndpoint;

    /// <summary>
    /// The log group that the agent writes to: 1 to 512 of letters, digits and <c>. - _ / #</c>. Null, the default, for the namespace
    /// followed by <c>-metrics</c>. Used with <see cref="CloudWatchDestination.Agent"/> only.
    /// </summary>
    public string? LogGroup { get; set; }

    /// <summary>
    /// Whether metrics that KCL has for each shard have the dimension <c>ShardId</c> too, beside <c>Operation</c> alone. CloudWatch bills
    /// each shard's metrics as metrics of their own. The default is false.
    /// </summary>
    public bool ShardDimension { get; set; }
}
