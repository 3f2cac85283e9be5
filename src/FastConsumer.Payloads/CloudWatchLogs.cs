using System.Text.Json;
using System.Text.Json.Serialization;

namespace FastConsumer.Payloads;

/// <summary>
/// What a subscription filter of CloudWatch Logs puts into a stream as one record: some events of one log stream. Source: "Log group-level
/// subscription filters" in the Amazon CloudWatch Logs User Guide.
/// </summary>
public sealed record CloudWatchLogsMessage
{
    /// <summary><c>DATA_MESSAGE</c>, or <c>CONTROL_MESSAGE</c>, by which the service checks that the stream can be reached.</summary>
    public required string MessageType { get; init; }

    /// <summary>The account that the events come from.</summary>
    public string Owner { get; init; } = "";

    /// <summary>The log group.</summary>
    public string LogGroup { get; init; } = "";

    /// <summary>The log stream.</summary>
    public string LogStream { get; init; } = "";

    /// <summary>The subscription filters that the events matched.</summary>
    public IReadOnlyList<string> SubscriptionFilters { get; init; } = [];

    /// <summary>The events.</summary>
    public IReadOnlyList<CloudWatchLogEvent> LogEvents { get; init; } = [];

    /// <summary>True for the service's own messages, which have nothing to process.</summary>
    [JsonIgnore]
    public bool IsControlMessage => MessageType == "CONTROL_MESSAGE";
}

/// <summary>One event of a log.</summary>
public sealed record CloudWatchLogEvent
{
    /// <summary>Its id, unique among the events of the log group.</summary>
    public required string Id { get; init; }

    /// <summary>When it happened, in epoch milliseconds.</summary>
    public required long Timestamp { get; init; }

    /// <summary>Its text, as it was logged.</summary>
    public required string Message { get; init; }

    /// <summary>The fields that the filter's pattern extracted; null where it extracts none.</summary>
    public IReadOnlyDictionary<string, string?>? ExtractedFields { get; init; }

    /// <summary><see cref="Timestamp"/> as a time.</summary>
    [JsonIgnore]
    public DateTimeOffset Time => DateTimeOffset.FromUnixTimeMilliseconds(Timestamp);
}

/// <summary>Reads what CloudWatch Logs puts into a stream: gzip around JSON.</summary>
public sealed class CloudWatchLogsDeserializer : CompressedDeserializer<CloudWatchLogsMessage>
{
    /// <summary>With the default bound, <see cref="CompressedPayload.DefaultMaxBytes"/>.</summary>
    public CloudWatchLogsDeserializer()
    {
    }

    /// <inheritdoc cref="CompressedDeserializer{T}(int)"/>
    public CloudWatchLogsDeserializer(int maxBytes)
        : base(maxBytes)
    {
    }

    /// <inheritdoc/>
    /// <exception cref="JsonException">The payload is not such a message.</exception>
    protected override CloudWatchLogsMessage Read(ReadOnlySpan<byte> payload) =>
        JsonSerializer.Deserialize(payload, CloudWatchLogsJson.Default.CloudWatchLogsMessage)
        ?? throw new JsonException("The payload is JSON null, not a message of CloudWatch Logs.");
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(CloudWatchLogsMessage))]
internal sealed partial class CloudWatchLogsJson : JsonSerializerContext;
