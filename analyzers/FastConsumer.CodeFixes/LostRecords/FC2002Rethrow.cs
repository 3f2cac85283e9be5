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
        Clause(place) is { } clause && place.Property(FC2004HiddenCancellation.Hidden) is null && !IsRetry(clause)
            && CanEndInThrow(clause, place)
        ? ["Rethrow"]
        : [];

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

    /// <summary>
    /// True where the loop around the try is there to try again: it ends when the work is done, or the clause waits for the next time.
    /// </summary>
    private static bool IsRetry(CatchClauseSyntax clause)
    {
        SyntaxNode? loop = clause.Ancestors()
            .TakeWhile(
                node => node is not (AnonymousFunctionExpressionSyntax or LocalFunctionStatementSyntax or BaseMethodDeclarationSyntax))
            .FirstOrDefault(
                node => node is ForStatementSyntax or WhileStatementSyntax or DoStatementSyntax or CommonForEachStatementSyntax);
        return loop is not null && (Leaves(((TryStatementSyntax)clause.Parent!).Block)
            || Sets(((TryStatementSyntax)clause.Parent!).Block, loop) || Waits(clause.Block));
    }

    private static bool Leaves(BlockSyntax block) =>
        block.DescendantNodes(node => node is not (AnonymousFunctionExpressionSyntax or LocalFunctionStatementSyntax))
            .Any(node => node is BreakStatementSyntax or ReturnStatementSyntax or GotoStatementSyntax);

    /// <summary>True where the work sets what the loop asks for.</summary>
    private static bool Sets(BlockSyntax block, SyntaxNode loop)
    {
        ExpressionSyntax? condition = loop switch
        {
            ForStatementSyntax statement => statement.Condition,
            WhileStatementSyntax statement => statement.Condition,
            DoStatementSyntax statement => statement.Condition,
            _ => null,
        };
        return condition is not null && block.DescendantNodes().OfType<AssignmentExpressionSyntax>().Any(assignment =>
            condition.DescendantNodesAndSelf().OfType<IdentifierNameSyntax>()
                .Any(name => name.Identifier.ValueText == assignment.Left.ToString()));
    }

    private static bool Waits(BlockSyntax block) =>
        block.DescendantNodes().OfType<SimpleNameSyntax>()
            .Any(name => name.Identifier.ValueText is "Delay" or "Sleep" or "WaitAsync" or "SpinWait");

    /// <summary>True where the end of the clause is reached, or is what leaves it.</summary>
    private static bool CanEndInThrow(CatchClauseSyntax clause, FixPlace place) =>
        clause.Block.Statements.LastOrDefault() is ReturnStatementSyntax or ContinueStatementSyntax or BreakStatementSyntax
        || place.Model.AnalyzeControlFlow(clause.Block) is { Succeeded: true, EndPointIsReachable: true };

    private static CatchClauseSyntax? Clause(FixPlace place) => place.Node.AncestorsAndSelf().OfType<CatchClauseSyntax>().FirstOrDefault();
}
