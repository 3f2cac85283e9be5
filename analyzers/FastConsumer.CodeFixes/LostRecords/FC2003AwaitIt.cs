using System.Collections.Immutable;
using System.Composition;
using FastConsumer.Analyzers;
using FastConsumer.Analyzers.LostRecords;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;

namespace FastConsumer.CodeFixes.LostRecords;

/// <summary>FC2003: awaits the call that nobody awaits.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class FC2003AwaitIt : FastConsumerFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [RuleNumbers.OutlivingWork];

    /// <inheritdoc/>
    private protected override IEnumerable<string> Titles(FixPlace place) =>
        place.Property(FC2003OutlivingWork.CanAwait) is not null && place.Node is ExpressionSyntax && AsyncEdits.CanAwait(place)
        ? ["Await it"]
        : [];

    /// <inheritdoc/>
    private protected override void Edit(DocumentEditor editor, FixPlace place, string key)
    {
        // '_ = call' goes as a whole
        SyntaxNode replaced = place.Node.Parent is AssignmentExpressionSyntax assignment ? assignment : place.Node;
        AsyncEdits.MakeAsync(editor, place.Node);
        editor.ReplaceNode(replaced, (current, _) =>
            AsyncEdits.Await(current is AssignmentExpressionSyntax discard ? discard.Right : (ExpressionSyntax)current, current));
    }
}
