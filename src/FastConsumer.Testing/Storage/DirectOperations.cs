using System.Globalization;
using System.Text.Json;
using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Http.Codecs;

namespace FastConsumer.Testing.Storage;

/// <summary>What <see cref="EmbeddedKinesis"/> does without the wire and the service has no operation for, as it is written down.</summary>
internal static class DirectOperations
{
    public const string CreateStream = "+CreateStream";
    public const string SplitShard = "+SplitShard";
    public const string MergeShards = "+MergeShards";

    public static IReadOnlyDictionary<string, Action<KinesisEngine, RequestMap>> ByName { get; } =
        new Dictionary<string, Action<KinesisEngine, RequestMap>>(StringComparer.Ordinal)
        {
            [CreateStream] = static (engine, request) => engine.CreateStream(Creation(request)),
            [SplitShard] = static (engine, request) => engine.SplitAnyMode(
                request.Text("StreamName")!,
                request.Text("ShardId")!,
                request.Text("HashKey") is { } key ? UInt128.Parse(key, CultureInfo.InvariantCulture) : null),
            [MergeShards] = static (engine, request) => engine.MergeAnyMode(
                request.Text("StreamName")!, request.Text("ShardId")!, request.Text("AdjacentShardId")!),
        };

    public static byte[] Creating(CreateStreamRequest request) => Body(json =>
    {
        json.WriteString("StreamName", request.StreamName);
        json.WriteString("StreamMode", request.StreamMode);
        Number(json, "ShardCount", request.ShardCount);
        Number(json, "MaxRecordSizeInKiB", request.MaxRecordSizeInKiB);
        Number(json, "RetentionHours", request.Extras.RetentionHours);
        json.WriteString("KeyId", request.Extras.KeyId);
        json.WriteStartArray("Consumers");
        foreach (string consumer in request.Extras.Consumers)
        {
            json.WriteStringValue(consumer);
        }

        json.WriteEndArray();
        if (request.Tags is { } tags)
        {
            json.WriteStartObject("Tags");
            foreach ((string key, string value) in tags)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        }
    });

    /// <summary>An object of texts; those that are null are left out.</summary>
    public static byte[] Texts(params ReadOnlySpan<(string Name, string? Value)> members)
    {
        (string Name, string? Value)[] all = members.ToArray();
        return Body(json =>
        {
            foreach ((string name, string? value) in all)
            {
                if (value is not null)
                {
                    json.WriteString(name, value);
                }
            }
        });
    }

    private static CreateStreamRequest Creation(RequestMap request) =>
        new(request.Text("StreamName")!, request.Integer("ShardCount"), request.Text("StreamMode"))
        {
            Tags = request.TextMap("Tags"),
            MaxRecordSizeInKiB = request.Integer("MaxRecordSizeInKiB"),
            Extras = new StreamExtras(request.Integer("RetentionHours"), request.Text("KeyId"), request.Texts("Consumers") ?? []),
        };

    private static void Number(Utf8JsonWriter json, string name, int? value)
    {
        if (value is not null)
        {
            json.WriteNumber(name, value.Value);
        }
    }

    private static byte[] Body(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }
}
