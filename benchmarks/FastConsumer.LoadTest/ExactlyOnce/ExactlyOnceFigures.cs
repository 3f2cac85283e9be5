using System.Text.Json.Serialization;

namespace FastConsumer.LoadTest.ExactlyOnce;

/// <summary>What came of it.</summary>
internal sealed record ExactlyOnceFigures
{
    public required string Sink { get; init; }

    public required int Kills { get; init; }

    public required int Pauses { get; init; }

    public required int Splits { get; init; }

    public required long Produced { get; init; }

    /// <summary>How many values are in the sink.</summary>
    public required long Visible { get; init; }

    /// <summary>How many of them are there for the second time or more.</summary>
    public required long Duplicates { get; init; }

    /// <summary>How many records have none.</summary>
    public required long Missing { get; init; }

    /// <summary>How many have another value than the order of their key's records makes of them.</summary>
    public required long Wrong { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ExactlyOnceFigures))]
internal sealed partial class ExactlyOnceJson : JsonSerializerContext;
