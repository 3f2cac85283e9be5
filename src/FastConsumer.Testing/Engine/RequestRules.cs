using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using FastConsumer.Kinesis;

namespace FastConsumer.Testing.Engine;

/// <summary>The constraints of the service model, refused in its words.</summary>
internal static class RequestRules
{
    public static string Name(string? value, string member)
    {
        Length(value, member, 1, 128);
        return value.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-')
            ? value
            : throw EngineException.Validation(value, member, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
    }

    public static void Length([NotNull] string? value, string member, int least, int most)
    {
        if (value is null)
        {
            throw EngineException.Missing(member);
        }

        if (value.Length < least)
        {
            throw EngineException.Validation(value, member, $"Member must have length greater than or equal to {least}");
        }

        if (value.Length > most)
        {
            throw EngineException.Validation(value, member, $"Member must have length less than or equal to {most}");
        }
    }

    public static int Range(int? value, string member, int least, int most, int whenAbsent) => value switch
    {
        null => whenAbsent,
        _ when value < least => throw EngineException.Validation(
            Text(value.Value), member, $"Member must have value greater than or equal to {least}"),
        _ when value > most => throw EngineException.Validation(
            Text(value.Value), member, $"Member must have value less than or equal to {most}"),
        _ => value.Value,
    };

    public static int Required(int? value, string member, int least, int most) =>
        value is null ? throw EngineException.Missing(member) : Range(value, member, least, most, 0);

    /// <summary>A list or map that must be there, by its number of members.</summary>
    public static void Count(int? count, string member, int least, int most)
    {
        if (count is null)
        {
            throw EngineException.Missing(member);
        }

        if (count < least || count > most)
        {
            throw EngineException.Validation(
                $"[{Text(count.Value)} members]",
                member,
                count < least
                ? $"Member must have length greater than or equal to {least}"
                : $"Member must have length less than or equal to {most}");
        }
    }

    /// <summary>One of the words that are allowed.</summary>
    public static string OneOf(string? value, string member, ReadOnlySpan<string> allowed) => value switch
    {
        null => throw EngineException.Missing(member),
        _ when allowed.Contains(value) => value,
        _ => throw EngineException.Validation(
            value, member, $"Member must satisfy enum value set: [{string.Join(", ", allowed)}]"),
    };

    public static UInt128 HashKey(string? value, string member)
    {
        Length(value, member, 1, 39);
        return value.All(char.IsAsciiDigit) && (value == "0" || value[0] != '0')
            ? UInt128.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out UInt128 hashKey)
                ? hashKey
                : throw EngineException.InvalidArgument(
                    $"Invalid {member}. {member} must be in the range: [0, 2^128-1]. Specified value was {value}")
            : throw EngineException.Validation(value, member, "Member must satisfy regular expression pattern: 0|([1-9]\\d{0,38})");
    }

    public static string SequenceDigits(string? value, string member) =>
        SequenceNumber.TryParse(value, out _)
            ? value
            : throw EngineException.Validation(
                value ?? "null", member, "Member must satisfy regular expression pattern: 0|([1-9]\\d{0,128})");

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
