using System.Collections.Immutable;
using System.Composition;
using System.Globalization;
using System.Text.RegularExpressions;
using FastConsumer.Analyzers.Settings;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;
using Microsoft.CodeAnalysis.Simplification;

namespace FastConsumer.CodeFixes.Settings;

/// <summary>FC4001: the nearest number that is allowed, or the duration that was meant.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class FC4001CorrectValue : FastConsumerFix
{
    private static readonly Regex s_meant = new(
        @"\A\s*(?:(?<n>[0-9]{1,6})\s*(?<u>ms|s|m|h|d)?|(?<h>[0-9]{1,3}):(?<m>[0-9]{1,2}):(?<s>[0-9]{1,2}))\s*\z",
        RegexOptions.CultureInvariant);

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [RuleIds.Value];

    /// <inheritdoc/>
    private protected override IEnumerable<string> Titles(FixPlace place) =>
        Corrected(place) is { } corrected ? [$"Change to {corrected.Text}"] : [];

    /// <inheritdoc/>
    private protected override string Key(string title) => nameof(FC4001CorrectValue);

    /// <inheritdoc/>
    private protected override void Edit(DocumentEditor editor, FixPlace place, string key)
    {
        (ExpressionSyntax replaced, string text) = Corrected(place)!.Value;
        ExpressionSyntax value = SyntaxFactory.ParseExpression(text.Replace("TimeSpan.", "global::System.TimeSpan."));
        value = value.ReplaceNodes(
            value.DescendantNodes().OfType<MemberAccessExpressionSyntax>(),
            (_, current) => current.WithAdditionalAnnotations(Simplifier.Annotation));
        editor.ReplaceNode(replaced, value.WithTriviaFrom(replaced));
    }

    private static (ExpressionSyntax Replaced, string Text)? Corrected(FixPlace place)
    {
        if (place.Property(FC4001OptionValue.Nearest) is { } nearest)
        {
            return place.Node is ExpressionSyntax value ? (value, nearest) : null;
        }

        // TimeSpan.Parse("5")
        if (place.Node is InvocationExpressionSyntax { ArgumentList.Arguments: { Count: > 0 } arguments }
            && arguments[0].Expression is LiteralExpressionSyntax parsed)
        {
            return Duration(parsed);
        }

        if (place.Node.FirstAncestorOrSelf<AttributeArgumentSyntax>() is not { NameEquals: { } name, Expression: { } expression })
        {
            return null;
        }

        return name.Name.Identifier.ValueText switch
        {
            "Records" => (expression, "0"),
            "MaxRecords" or "MaxBytes" => (expression, "1"),
            _ => expression is LiteralExpressionSyntax literal ? Duration(literal) : null,
        };
    }

    private static (ExpressionSyntax Replaced, string Text)? Duration(LiteralExpressionSyntax literal)
    {
        Match match = s_meant.Match(literal.Token.ValueText);
        if (!match.Success)
        {
            return null;
        }

        TimeSpan time = match.Groups["n"].Success
            ? Of(Number("n"), match.Groups["u"].Value)
            : new TimeSpan(Number("h"), Number("m"), Number("s"));
        string text = time.ToString("c", CultureInfo.InvariantCulture);
        return time > TimeSpan.Zero && text != literal.Token.ValueText ? (literal, $"\"{text}\"") : null;

        int Number(string group) => int.Parse(match.Groups[group].Value, NumberStyles.None, CultureInfo.InvariantCulture);
    }

    // a bare number is meant as seconds
    private static TimeSpan Of(int count, string unit) => unit switch
    {
        "ms" => TimeSpan.FromMilliseconds(count),
        "m" => TimeSpan.FromMinutes(count),
        "h" => TimeSpan.FromHours(count),
        "d" => TimeSpan.FromDays(count),
        _ => TimeSpan.FromSeconds(count),
    };
}
