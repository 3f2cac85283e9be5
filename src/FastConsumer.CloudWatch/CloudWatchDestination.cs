namespace FastConsumer.CloudWatch;

/// <summary>Where metrics are written.</summary>
public enum CloudWatchDestination
{
    /// <summary>
    /// The process' standard output, for whatever sends it to CloudWatch Logs as it is: the <c>awslogs</c> driver of ECS, AWS Lambda, or
    /// Container Insights. The default.
    /// </summary>
    StandardOutput,

    /// <summary>The socket of a CloudWatch agent: <see cref="CloudWatchOptions.AgentEndpoint"/>.</summary>
    Agent,
}
