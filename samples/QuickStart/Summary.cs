using System.Text.Json;
using System.Text.Json.Serialization;

namespace QuickStart;

/// <summary>The end of a run, for a reader or for a program.</summary>
internal static class Summary
{
    public static void Print(IRun run, Snapshot now, bool asJson)
    {
        if (asJson)
        {
            var line = new SummaryLine(now.Records, now.ByType, now.Strong.Count, now.Distinct, now.Checkpoints, run.Restarts, run.Splits);
            Console.WriteLine(JsonSerializer.Serialize(line, SummaryJson.Default.SummaryLine));
            return;
        }

        Console.WriteLine();
        string types = string.Join(", ", now.ByType.Select(static type => $"{type.Value} {type.Key}"));
        Console.WriteLine($"{now.Records} records ({types}), {now.Distinct} distinct events, {now.Strong.Count} of them strong.");
        Console.WriteLine($"{now.Checkpoints} checkpoints, {run.Splits} split, {run.Restarts} restart.");
        if (run.Total is int total)
        {
            Console.WriteLine(now.Distinct == total ? "Nothing was lost." : $"{total - now.Distinct} of {total} events were not handled.");
        }
    }
}

internal sealed record SummaryLine(
    int Records, IReadOnlyDictionary<string, int> ByType, int Strong, int Distinct, long Checkpoints, int Restarts, int Splits);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SummaryLine))]
internal sealed partial class SummaryJson : JsonSerializerContext;
