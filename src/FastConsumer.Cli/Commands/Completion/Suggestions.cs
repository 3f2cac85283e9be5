using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.RegularExpressions;

namespace FastConsumer.Cli.Commands.Completion;

/// <summary>
/// Answers the scripts of <c>completion</c>: <c>fastconsumer [suggest:17] "fastconsumer lag --st"</c> prints the words that may stand at
/// that place, a line each. System.CommandLine does so by itself for a RootCommand, which the tool's root is not.
/// </summary>
internal static partial class Suggestions
{
    /// <summary>The words; null where they are not asked for.</summary>
    public static IEnumerable<string>? Find(Command root, string[] arguments)
    {
        if (arguments.Length == 0 || Pattern().Match(arguments[0]) is not { Success: true } directive)
        {
            return null;
        }

        string line = arguments.Length > 1 ? arguments[1] : "";
        int place = int.TryParse(directive.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int given)
            ? Math.Min(given, line.Length)
            : line.Length;
        // the first word is the tool
        int start = line.IndexOf(' ', StringComparison.Ordinal) + 1;
        string words = start == 0 ? "" : line[start..Math.Max(place, start)];
        return CommandLineParser.Parse(root, words).GetCompletions(words.Length)
            .Select(static word => word.InsertText ?? word.Label)
            .Distinct(StringComparer.Ordinal);
    }

    [GeneratedRegex(@"^\[suggest(?::(\d+))?\]$", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
