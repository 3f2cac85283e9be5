using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace FastConsumer.Operators;

/// <summary>
/// Between operator and owner: the attributes of a lease's row by which they tell each other something, as JSON. What cannot be read as
/// such says nothing.
/// </summary>
internal static class OperatorNotes
{
    /// <summary>The longest name of an exception's type: a row stays below 1 KB.</summary>
    private const int LongestError = 48;

    private static readonly OperatorNotesContext s_json = new(new JsonSerializerOptions(OperatorNotesContext.Default.Options)
    {
        // the row is no HTML, and each escape costs bytes
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static string Write(Standing standing) => JsonSerializer.Serialize(
        standing.Error.Length > LongestError ? standing with { Error = standing.Error[..LongestError] } : standing, s_json.Standing);

    public static string Write(OperatorCommand command) => JsonSerializer.Serialize(command, s_json.OperatorCommand);

    public static string Write(DecidedRecord decision) => JsonSerializer.Serialize(decision, s_json.DecidedRecord);

    public static string Write(ShardPause pause) => JsonSerializer.Serialize(pause, s_json.ShardPause);

    public static string Write(CheckpointReset reset) => JsonSerializer.Serialize(reset, s_json.CheckpointReset);

    public static CheckpointReset? ReadReset(string? text) => Read(text, s_json.CheckpointReset);

    public static Standing? ReadStanding(string? text) => Read(text, s_json.Standing);

    public static OperatorCommand? ReadCommand(string? text) => Read(text, s_json.OperatorCommand);

    public static DecidedRecord? ReadDecision(string? text) => Read(text, s_json.DecidedRecord);

    public static ShardPause? ReadPause(string? text) => Read(text, s_json.ShardPause);

    /// <summary>A position as <see cref="CheckpointPosition.ToString"/> writes it.</summary>
    public static bool TryParsePosition([NotNullWhen(true)] string? text, out CheckpointPosition position)
    {
        position = default;
        if (text is null)
        {
            return false;
        }

        int colon = text.IndexOf(':', StringComparison.Ordinal);
        long sub = 0;
        return (colon < 0 || (long.TryParse(text.AsSpan(colon + 1), out sub) && sub >= 0))
            && CheckpointPosition.TryParse(colon < 0 ? text : text[..colon], sub, out position);
    }

    private static T? Read<T>(string? text, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return text is null ? null : JsonSerializer.Deserialize(text, type);
        }
        catch (JsonException)
        {
            // written by hand, or by a later version
            return null;
        }
    }
}

/// <summary>What a shard's owner fails on.</summary>
internal sealed record Standing(long Epoch, string Position, string Error, int Attempts, bool IsStopped);

/// <summary>What the owner is asked to do about the record that it fails on.</summary>
internal sealed record OperatorCommand(
    string Id,
    long Epoch,
    string Position,
    RecordDecision Decision,
    string By,
    string? Reason,
    DateTimeOffset At,
    string Error,
    int Attempts)
{
    /// <summary>What became of it.</summary>
    public DecidedRecord Decided(string? refusal = null) => new()
    {
        Id = Id,
        Position = Position,
        Decision = Decision,
        By = By,
        Reason = Reason,
        At = At,
        Refusal = refusal,
    };
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(Standing))]
[JsonSerializable(typeof(OperatorCommand))]
[JsonSerializable(typeof(DecidedRecord))]
[JsonSerializable(typeof(ShardPause))]
[JsonSerializable(typeof(CheckpointReset))]
internal sealed partial class OperatorNotesContext : JsonSerializerContext;
