using System.Collections.Immutable;
using System.Composition;
using FastConsumer.Analyzers;
using FastConsumer.Analyzers.LostRecords;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;

namespace FastConsumer.CodeFixes.LostRecords;

/// <summary>FC2005: keeps a copy instead of the view.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class FC2005CopyMemory : FastConsumerFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [RuleNumbers.EscapingMemory];

    /// <inheritdoc/>
    private protected override IEnumerable<string> Titles(FixPlace place) =>
        place.Property(FC2005EscapingMemory.Copy) is not null && Value(place) is not null ? ["Keep a copy"] : [];

    /// <inheritdoc/>
    private protected override void Edit(DocumentEditor editor, FixPlace place, string key)
    {
        string copier = place.Property(FC2005EscapingMemory.Copy)!;
        editor.ReplaceNode(Value(place)!, (current, _) =>
        {
            var value = (ExpressionSyntax)current.WithoutTrivia();
            ExpressionSyntax receiver = value is IdentifierNameSyntax or MemberAccessExpressionSyntax or InvocationExpressionSyntax
                or ElementAccessExpressionSyntax or ParenthesizedExpressionSyntax
                ? value
                : SyntaxFactory.ParenthesizedExpression(value);
            return SyntaxFactory
                .InvocationExpression(SyntaxFactory.MemberAccessExpression(
                    SyntaxKind.SimpleMemberAccessExpression, receiver, SyntaxFactory.IdentifierName(copier)))
                .WithTriviaFrom(current);
        });
    }

    private static ExpressionSyntax? Value(FixPlace place) => place.Node as ExpressionSyntax ?? (place.Node as ArgumentSyntax)?.Expression;
}
