using System.Diagnostics.CodeAnalysis;

namespace FastConsumer.PostgreSql;

/// <summary>The table of the positions, with its schema where one is named.</summary>
internal sealed record PositionTableName(string? Schema, string Table)
{
    public const string Rule = "'table' or 'schema.table' is expected, each of 1 to 63 letters of ASCII, digits, '_', '-' or '$'";

    /// <summary>PostgreSQL cuts longer names off.</summary>
    private const int MaxLength = 63;

    /// <summary>For SQL: quoted, so that case and all characters are kept.</summary>
    public string Quoted => Schema is null ? $"\"{Table}\"" : $"\"{Schema}\".\"{Table}\"";

    public static bool IsValid([NotNullWhen(true)] string? name) => TryParse(name, out _);

    public static bool TryParse([NotNullWhen(true)] string? name, [NotNullWhen(true)] out PositionTableName? parsed)
    {
        string[] parts = name?.Split('.') ?? [];
        parsed = parts.Length is 1 or 2 && parts.All(IsIdentifier)
            ? new PositionTableName(parts.Length == 2 ? parts[0] : null, parts[^1])
            : null;
        return parsed is not null;
    }

    /// <summary>The name as it is written in options and messages.</summary>
    public override string ToString() => Schema is null ? Table : $"{Schema}.{Table}";

    private static bool IsIdentifier(string part) =>
        part.Length is > 0 and <= MaxLength && part.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '$');
}
