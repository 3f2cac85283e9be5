using System.Text.Json;
using Amazon.DynamoDBv2.Model;

namespace FastConsumer.DynamoDb.Tests.Kcl;

/// <summary>Tables as live KCLs left them on 2026-11-30, one item a line in DynamoDB's JSON.</summary>
internal static class LiveRows
{
    public const string OneSplit = "kcl-1.15.3-after-split";
    public const string TwoNew = "kcl-2.6.0-new-table";
    public const string ThreeInsideAnAggregate = "kcl-3.5.1-died-inside-an-aggregate";
    public const string ThreeLive = "kcl-3.5.1-live-two-workers";
    public const string ThreeSplit = "kcl-3.5.1-stopped-after-split";

    public static IReadOnlyList<Dictionary<string, AttributeValue>> Of(string table)
    {
        using Stream stream = typeof(LiveRows).Assembly.GetManifestResourceStream($"{table}.jsonl")
            ?? throw new InvalidOperationException($"There is no fixture {table}.jsonl.");
        using var reader = new StreamReader(stream);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(
            static line => Item(JsonDocument.Parse(line).RootElement))];
    }

    public static bool IsLease(Dictionary<string, AttributeValue> row) => row.GetValueOrDefault("entityType")?.S is null or "LEASE";

    private static Dictionary<string, AttributeValue> Item(JsonElement element) =>
        element.EnumerateObject().ToDictionary(static property => property.Name, static property => Value(property.Value));

    private static AttributeValue Value(JsonElement element)
    {
        JsonProperty property = element.EnumerateObject().Single();
        return property.Name switch
        {
            "S" => new AttributeValue { S = property.Value.GetString() },
            "N" => new AttributeValue { N = property.Value.GetString() },
            "SS" => new AttributeValue { SS = [.. property.Value.EnumerateArray().Select(static text => text.GetString())] },
            "L" => new AttributeValue { L = [.. property.Value.EnumerateArray().Select(Value)] },
            // an empty map has to be said to be one
            "M" => new AttributeValue { M = Item(property.Value), IsMSet = true },
            _ => throw new NotSupportedException($"A fixture holds a value of type {property.Name}."),
        };
    }
}
