using System.Collections.Immutable;
using System.Composition;
using FastConsumer.Analyzers;
using FastConsumer.Analyzers.LostRecords;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;
using Microsoft.CodeAnalysis.Formatting;

namespace FastConsumer.CodeFixes.LostRecords;

/// <summary>FC2002, and FC2004 where a clause names what it hides: rethrows at the end of the clause.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class FC2002Rethrow : FastConsumerFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [RuleNumbers.SwallowedException, RuleNumbers.HiddenCancellation];

    /// <inheritdoc/>
    private protected override IEnumerable<string> Titles(FixPlace place) =>
        Clause(place) is { } && place.Property(FC2004HiddenCancellation.Hidden) is null ? ["Rethrow"] : [];

    /// <inheritdoc/>
    private protected override void Edit(DocumentEditor editor, FixPlace place, string key)
    {
        editor.ReplaceNode(Clause(place)!, (current, _) =>
        {
            var clause = (CatchClauseSyntax)current;
            StatementSyntax rethrow = SyntaxFactory.ThrowStatement().WithAdditionalAnnotations(Formatter.Annotation);
            SyntaxList<StatementSyntax> statements = clause.Block.Statements;
            // what left the clause is what hid the exception
            statements = statements.LastOrDefault() is ReturnStatementSyntax or ContinueStatementSyntax or BreakStatementSyntax
                ? statements.Replace(statements.Last(), rethrow.WithTriviaFrom(statements.Last()))
                : statements.Add(rethrow);
            return clause.WithBlock(clause.Block.WithStatements(statements).WithAdditionalAnnotations(Formatter.Annotation));
        });
    }

    private static CatchClauseSyntax? Clause(FixPlace place) => place.Node.AncestorsAndSelf().OfType<CatchClauseSyntax>().FirstOrDefault();
}
