using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace FastConsumer.Cli.Records;

/// <summary>The partition key of a line.</summary>
internal static class KeyChoice
{
    private const int LongestKey = 256;
    private const int RandomDigits = 16;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    public static Option<string?> Key { get; } = new("--key") { Description = "The partition key of all records.", HelpName = "key" };

    public static Option<string?> KeyRegex { get; } = new("--key-regex")
    {
        Description = "Takes the partition key from each line: the expression's first group, or all that it matches.",
        HelpName = "regex",
    };

    public static Option<string?> KeyJson { get; } = new("--key-json")
    {
        Description = "Takes the partition key from each line, which is a JSON object: this property of it.",
        HelpName = "property",
    };

    /// <summary>What makes a line's key; a random one where nothing was said.</summary>
    /// <exception cref="ToolException">The options make no sense.</exception>
    public static Func<InputLine, string> Parse(ParseResult arguments)
    {
        string? key = arguments.GetValue(Key);
        string? regex = arguments.GetValue(KeyRegex);
        string? property = arguments.GetValue(KeyJson);
        if (new[] { key, regex, property }.Count(static one => one is not null) > 1)
        {
            throw ToolException.Usage("The partition key comes from one place: give one of --key, --key-regex and --key-json.");
        }

        return key is not null ? Fixed(key)
            : regex is not null ? ByRegex(regex)
            : property is not null ? line => Checked(line, ByProperty(line, property))
            : static _ => RandomNumberGenerator.GetHexString(RandomDigits, lowercase: true);
    }

    private static Func<InputLine, string> Fixed(string key) => key.Length is > 0 and <= LongestKey
        ? _ => key
        : throw ToolException.Usage($"--key has {key.Length} characters: a partition key has 1 to {LongestKey}.");

    private static Func<InputLine, string> ByRegex(string pattern)
    {
        Regex regex;
        try
        {
            regex = new Regex(pattern, RegexOptions.CultureInvariant, s_patience);
        }
        catch (ArgumentException e)
        {
            throw ToolException.Usage($"--key-regex is no regular expression: {e.Message}");
        }

        return line =>
        {
            Match match;
            try
            {
                match = regex.Match(Encoding.UTF8.GetString(line.Data));
            }
            catch (RegexMatchTimeoutException)
            {
                throw Wrong(line, $"takes too long for --key-regex '{pattern}'");
            }

            return match.Success
                ? Checked(line, match.Groups[match.Groups.Count > 1 ? 1 : 0].Value)
                : throw Wrong(line, $"does not match --key-regex '{pattern}'");
        };
    }

    private static string ByProperty(InputLine line, string property)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line.Data);
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty(property, out JsonElement value))
            {
                throw Wrong(line, $"has no property '{property}' for --key-json");
            }

            return value.ValueKind switch
            {
                JsonValueKind.String => value.GetString()!,
                JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
                _ => throw Wrong(line, $"has in '{property}' neither a string nor a number, true or false"),
            };
        }
        catch (JsonException)
        {
            // what it says may quote the line
            throw Wrong(line, "is no JSON, of which --key-json takes the key");
        }
    }

    private static string Checked(InputLine line, string key) => key.Length is > 0 and <= LongestKey
        ? key
        : throw Wrong(line, $"gives a partition key of {key.Length} characters, and one has 1 to {LongestKey}");

    private static ToolException Wrong(InputLine line, string what) => new(ExitCodes.Failure, $"Line {line.Number} {what}.");
}
