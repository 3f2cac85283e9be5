using System.Text.Json;
using System.Text.Json.Serialization;

namespace Operations;

/// <summary>The end of a run.</summary>
/// <param name="Raised">The ids of all findings that were raised, in order.</param>
/// <param name="Cleared">Those of them that were over at the end.</param>
/// <param name="Decided">Records that were left out by decision.</param>
/// <param name="Lost">Records that were put, and neither handled nor left out by decision.</param>
internal sealed record Summary(IReadOnlyList<string> Raised, IReadOnlyList<string> Cleared, int Decided, int Lost)
{
    [JsonIgnore]
    public bool IsComplete =>
        Decided == 1 && Lost == 0 && !OnCall.Expected.Except(Raised).Any() && !OnCall.Expected.Except(Cleared).Any();

    public void Print(bool asJson) => Console.WriteLine(asJson
        ? JsonSerializer.Serialize(this, SummaryJson.Default.Summary)
        : $"{Environment.NewLine}Raised: {string.Join(", ", Raised)}. Over at the end: {string.Join(", ", Cleared)}. "
            + $"{Decided} record left out by decision, {Lost} lost.");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Summary))]
internal sealed partial class SummaryJson : JsonSerializerContext;
