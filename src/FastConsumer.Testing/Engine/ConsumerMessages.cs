namespace FastConsumer.Testing.Engine;

internal sealed record RegisterStreamConsumerRequest(
    string StreamArn, string ConsumerName, IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>A consumer as a request names it: by its ARN, or by the stream's ARN and its name.</summary>
internal sealed record ConsumerReference(string? StreamArn, string? ConsumerName, string? ConsumerArn);

internal sealed record ListStreamConsumersRequest(
    string StreamArn, int? MaxResults = null, string? NextToken = null, long? StreamCreationTimestampMs = null);

/// <summary>A consumer at one moment.</summary>
internal sealed record ConsumerView(string Name, string Arn, string Status, long CreatedMs, string StreamArn);

internal sealed record ListStreamConsumersResult(IReadOnlyList<ConsumerView> Consumers, string? NextToken);
