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

/// <summary>FC2004: a filter that lets cancellation, or a lost lease, pass a general clause.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class FC2004LetPass : FastConsumerFix
{
    private static readonly string[] s_names = ["e", "exception", "failure"];

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [RuleNumbers.HiddenCancellation];

    /// <inheritdoc/>
    private protected override IEnumerable<string> Titles(FixPlace place) =>
        Clause(place) is not null && place.Property(FC2004HiddenCancellation.Hidden) is not null ? ["Let it pass"] : [];

    /// <inheritdoc/>
    private protected override void Edit(DocumentEditor editor, FixPlace place, string key)
    {
        CatchClauseSyntax original = Clause(place)!;
        string hidden = place.Property(FC2004HiddenCancellation.Hidden)!;
        string name = original.Declaration is { Identifier: { RawKind: not 0 } declared } ? declared.ValueText : FreeName(place, original);
        editor.ReplaceNode(original, (current, _) => LetPass((CatchClauseSyntax)current, name, hidden));
    }

    private static CatchClauseSyntax LetPass(CatchClauseSyntax clause, string name, string hidden)
    {
        string type = clause.Declaration?.Type.WithoutTrivia().ToString() ?? "Exception";
        string before = clause.Filter is { } filter ? $" && ({filter.FilterExpression.WithoutTrivia()})" : "";
        var written = (CatchClauseSyntax)((TryStatementSyntax)SyntaxFactory.ParseStatement(
            $"try {{ }} catch ({type} {name}) when ({name} is not {hidden}{before}) {{ }}")).Catches[0];
        SyntaxTriviaList end = (clause.Filter?.CloseParenToken ?? clause.Declaration?.CloseParenToken
            ?? clause.CatchKeyword).TrailingTrivia;
        return clause
            .WithCatchKeyword(clause.CatchKeyword.WithTrailingTrivia(SyntaxFactory.Space))
            .WithDeclaration(written.Declaration)
            .WithFilter(written.Filter!.WithTrailingTrivia(end))
            .WithAdditionalAnnotations(Formatter.Annotation);
    }

    private static string FreeName(FixPlace place, CatchClauseSyntax clause)
    {
        var taken = new HashSet<string>(place.Model.LookupSymbols(clause.Block.SpanStart)
            .Where(symbol => symbol is ILocalSymbol or IParameterSymbol).Select(symbol => symbol.Name));
        return s_names.FirstOrDefault(name => !taken.Contains(name)) ?? "caughtException";
    }

    private static CatchClauseSyntax? Clause(FixPlace place) => place.Node.AncestorsAndSelf().OfType<CatchClauseSyntax>().FirstOrDefault();
}
