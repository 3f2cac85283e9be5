using System.Text;
using Microsoft.CodeAnalysis.Text;

namespace FastConsumer.CompilerTesting.Verification;

/// <summary>A finding at a place.</summary>
internal sealed record Finding(string Id, TextSpan Span);

/// <summary>Sources in which <c>[|...|]</c> and <c>{|FC1001:...|}</c> mark where a diagnostic is expected.</summary>
internal static class Markup
{
    /// <summary>Takes the marks out; unnamed ones stand for <paramref name="defaultId"/>.</summary>
    public static (string Source, IReadOnlyList<Finding> Findings) Parse(string marked, string defaultId)
    {
        var source = new StringBuilder();
        var open = new Stack<(string Id, int Start, string End)>();
        var findings = new List<Finding>();
        for (int i = 0; i < marked.Length; i++)
        {
            if (open.Count > 0 && At(marked, i, open.Peek().End))
            {
                (string id, int start, _) = open.Pop();
                findings.Add(new Finding(id, TextSpan.FromBounds(start, source.Length)));
                i++;
            }
            else if (At(marked, i, "[|"))
            {
                open.Push((defaultId, source.Length, "|]"));
                i++;
            }
            else if (At(marked, i, "{|") && marked.IndexOf(':', i) is var colon and > 0)
            {
                open.Push((marked[(i + 2)..colon], source.Length, "|}"));
                i = colon;
            }
            else
            {
                source.Append(marked[i]);
            }
        }

        return open.Count == 0
            ? (source.ToString(), findings)
            : throw new FormatException($"A mark of {open.Peek().Id} is never closed.");
    }

    /// <summary>The source with marks at these findings.</summary>
    public static string Show(string source, IEnumerable<Finding> findings)
    {
        var marks = findings
            .SelectMany(finding =>
                new[] { (At: finding.Span.Start, Order: 1, Text: $"{{|{finding.Id}:"), (At: finding.Span.End, Order: 0, Text: "|}") })
            .OrderByDescending(mark => mark.At)
            .ThenByDescending(mark => mark.Order);
        var text = new StringBuilder(source);
        foreach ((int at, _, string mark) in marks)
        {
            text.Insert(Math.Min(at, text.Length), mark);
        }

        return text.ToString();
    }

    private static bool At(string text, int index, string mark) => string.CompareOrdinal(text, index, mark, 0, mark.Length) == 0;
}
