namespace FastConsumer.CloudWatch;

/// <summary>One line: metrics that have the same dimensions.</summary>
/// <param name="Namespace">The namespace in CloudWatch.</param>
/// <param name="Operation">The dimension <c>Operation</c>.</param>
/// <param name="ShardId">The dimension <c>ShardId</c>; null where there is none.</param>
/// <param name="Metrics">The metrics with their values, in their order.</param>
internal sealed record EmfObject(
    string Namespace, string Operation, string? ShardId, IReadOnlyList<(KclMetric Metric, double[] Values)> Metrics);
