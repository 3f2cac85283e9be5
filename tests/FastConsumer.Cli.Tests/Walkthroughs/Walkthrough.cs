using System.Text;
using System.Text.RegularExpressions;

namespace FastConsumer.Cli.Tests.Walkthroughs;

/// <summary>The commands of docs/walkthrough.md in their order, and what it says that they print.</summary>
internal static partial class Walkthrough
{
    /// <summary>
    /// Reads the blocks marked <c>console</c>: a line that begins with a dollar sign is a command, what follows its output.
    /// </summary>
    public static IReadOnlyList<Step> Read(string path)
    {
        List<Step> steps = [];
        bool isConsole = false;
        foreach (string line in File.ReadLines(path))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                isConsole = line == "```console";
            }
            else if (isConsole && line.StartsWith("$ ", StringComparison.Ordinal))
            {
                steps.Add(new Step(line[2..], []));
            }
            else if (isConsole && line.Length > 0)
            {
                steps[^1].Output.Add(line);
            }
        }

        return steps;
    }

    /// <summary>
    /// What a text looks like, whatever the figures in it: numbers, times and lengths of time are alike, and so is what is not known.
    /// </summary>
    public static string ShapeOf(IEnumerable<string> lines) => string.Join('\n', lines
        .Select(static line => Spaces().Replace(Figures().Replace(line.Trim(), "N"), " "))
        .Select(static line => Lengths().Replace(line, "N"))
        .Where(static line => line.Length > 0)
        .Order(StringComparer.Ordinal));

    /// <summary>The words of a command, as a shell splits it.</summary>
    public static string[] Words(string command)
    {
        List<string> words = [];
        StringBuilder? word = null;
        char quote = '\0';
        foreach (char letter in command)
        {
            if (quote != '\0')
            {
                quote = letter == quote ? '\0' : quote;
                _ = quote == '\0' ? word : word!.Append(letter);
            }
            else if (letter is '\'' or '"')
            {
                quote = letter;
                word ??= new StringBuilder();
            }
            else if (letter == ' ')
            {
                words.AddRange(word is null ? [] : [word.ToString()]);
                word = null;
            }
            else
            {
                (word ??= new StringBuilder()).Append(letter);
            }
        }

        return [.. words, .. word is null ? (string[])[] : [word.ToString()]];
    }

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT[0-9:.]+Z|\d+([.,]\d+)*")]
    private static partial Regex Figures();

    [GeneratedRegex(@"(?<=^| )(N (s|min|h|d)( ago)?|N (B|KiB|MiB)|N %|-|N)(?= |$)")]
    private static partial Regex Lengths();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    internal sealed record Step(string Command, List<string> Output);
}
