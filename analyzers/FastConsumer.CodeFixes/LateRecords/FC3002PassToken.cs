using System.Collections.Immutable;
using System.Composition;
using FastConsumer.Analyzers;
using FastConsumer.Analyzers.LateRecords;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;

namespace FastConsumer.CodeFixes.LateRecords;

/// <summary>FC3002: passes the token on.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class FC3002PassToken : FastConsumerFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [RuleNumbers.TokenNotPassed];

    /// <inheritdoc/>
    private protected override IEnumerable<string> Titles(FixPlace place) => place.Node is InvocationExpressionSyntax ? ["Pass the token on"] : [];

    /// <inheritdoc/>
    private protected override void Edit(DocumentEditor editor, FixPlace place, string key)
    {
        string? parameter = place.Property(FC3002TokenNotPassed.Parameter);
        string token = (parameter is null ? "" : $"{parameter}: ") + place.Property(FC3002TokenNotPassed.Token);
        ArgumentSyntax argument = SyntaxFactory.ParseArgumentList($"({token})").Arguments[0];
        editor.ReplaceNode(place.Node, (current, _) =>
        {
            var call = (InvocationExpressionSyntax)current;
            return call.WithArgumentList(call.ArgumentList.AddArguments(
                call.ArgumentList.Arguments.Count == 0 ? argument : argument.WithLeadingTrivia(SyntaxFactory.Space)));
        });
    }
}
