using System.Collections.Immutable;
using System.Composition;
using FastConsumer.Analyzers;
using FastConsumer.Analyzers.LateRecords;
using FastConsumer.Analyzers.Reach;
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
    private protected override IEnumerable<string> Titles(FixPlace place) =>
        place.Node is InvocationExpressionSyntax call && place.Property(FC3002TokenNotPassed.Form) switch
        {
            null => true,
            FC3002TokenNotPassed.BeforeLast => call.ArgumentList.Arguments.Count == 2
                && call.ArgumentList.Arguments.All(argument => argument.NameColon is null),
            FC3002TokenNotPassed.BehindArray => KeysAreApart(call, place),
            _ => false,
        } ? ["Pass the token on"] : [];

    /// <inheritdoc/>
    private protected override void Edit(DocumentEditor editor, FixPlace place, string key)
    {
        string? parameter = place.Property(FC3002TokenNotPassed.Parameter);
        string token = (parameter is null ? "" : $"{parameter}: ") + place.Property(FC3002TokenNotPassed.Token);
        ArgumentSyntax argument = SyntaxFactory.ParseArgumentList($"({token})").Arguments[0];
        editor.ReplaceNode(place.Node, (current, _) =>
        {
            var call = (InvocationExpressionSyntax)current;
            switch (place.Property(FC3002TokenNotPassed.Form))
            {
                case FC3002TokenNotPassed.BeforeLast:
                    return call.WithArgumentList(call.ArgumentList.WithArguments(
                        call.ArgumentList.Arguments.Insert(1, argument.WithLeadingTrivia(SyntaxFactory.Space))));
                case FC3002TokenNotPassed.BehindArray when !IsArray(call, place):
                    IEnumerable<string> keys = call.ArgumentList.Arguments.Select(key => key.ToString());
                    return call.WithArgumentList(
                        SyntaxFactory.ParseArgumentList($"([{string.Join(", ", keys)}], {token})").WithTriviaFrom(call.ArgumentList));
            }

            return call.WithArgumentList(call.ArgumentList.AddArguments(
                call.ArgumentList.Arguments.Count == 0 ? argument : argument.WithLeadingTrivia(SyntaxFactory.Space)));
        });
    }

    /// <summary>
    /// True where the arguments are values of a params array, or that array itself, and not a token taken for one of them.
    /// </summary>
    private static bool KeysAreApart(InvocationExpressionSyntax call, FixPlace place) =>
        call.ArgumentList.Arguments.Count > 0
        && call.SyntaxTree.Options is CSharpParseOptions { LanguageVersion: >= LanguageVersion.CSharp12 }
        && call.ArgumentList.Arguments.All(argument => argument.NameColon is null
            && !place.Model.GetTypeInfo(argument.Expression, place.CancellationToken).Type.IsCancellationToken());

    private static bool IsArray(InvocationExpressionSyntax call, FixPlace place) =>
        call.ArgumentList.Arguments.Count == 1
        && place.Model.GetTypeInfo(
            place.Node is InvocationExpressionSyntax original ? original.ArgumentList.Arguments[0].Expression : call,
            place.CancellationToken).ConvertedType is IArrayTypeSymbol;
}
