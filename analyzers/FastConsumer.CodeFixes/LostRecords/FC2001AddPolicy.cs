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
using Microsoft.CodeAnalysis.Simplification;

namespace FastConsumer.CodeFixes.LostRecords;

/// <summary>FC2001: adds a policy for each exception that the rule names, or one for all.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class FC2001AddPolicy : FastConsumerFix
{
    private const string Each = "Add a policy for each exception";
    private const string All = "Add one policy for every exception";

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [RuleNumbers.UnhandledException];

    /// <inheritdoc/>
    private protected override IEnumerable<string> Titles(FixPlace place) =>
        place.Node is not MethodDeclarationSyntax ? []
        : place.Property(FC2001UnhandledException.Exceptions) is { Length: > 0 } ? [Each, All]
        : [All];

    /// <inheritdoc/>
    private protected override void Edit(DocumentEditor editor, FixPlace place, string key)
    {
        var method = (MethodDeclarationSyntax)place.Node;
        string prefix = Prefix(method);
        IEnumerable<string> policies = key == All
            ? [$"{prefix}OnError(typeof(global::System.Exception), {prefix}ErrorAction.Retry, MaxAttempts = 5, "
                + $"Then = {prefix}ErrorAction.Stop)"]
            : place.Property(FC2001UnhandledException.Exceptions)!.Split(';')
                .Select(exception => exception.EndsWith("!", StringComparison.Ordinal)
                    ? $"{prefix}OnError(typeof({exception.TrimEnd('!')}), {prefix}ErrorAction.DeadLetter)"
                    : $"{prefix}OnError(typeof({exception}), {prefix}ErrorAction.Retry)");
        AttributeListSyntax[] lists = [.. policies.Select(policy => Parse(policy, method))];
        editor.ReplaceNode(method, (current, _) => ((MethodDeclarationSyntax)current).AddAttributeLists(lists));
    }

    /// <summary>The namespace as the handler's own attribute writes it.</summary>
    private static string Prefix(MethodDeclarationSyntax method) =>
        method.AttributeLists.SelectMany(list => list.Attributes).Select(attribute => attribute.Name).OfType<QualifiedNameSyntax>()
            .FirstOrDefault(name => name.Right.Identifier.ValueText is "OnRecord" or "OnBatch" or "OnRecordAttribute"
                or "OnBatchAttribute") is { } qualified
            ? qualified.Left + "."
            : "";

    private static AttributeListSyntax Parse(string policy, MethodDeclarationSyntax method)
    {
        AttributeListSyntax list = SyntaxFactory.ParseCompilationUnit($"[{policy}] class C {{ }}").DescendantNodes()
            .OfType<AttributeListSyntax>().First();
        list = list.ReplaceNodes(
            list.DescendantNodes().OfType<TypeOfExpressionSyntax>(),
            (_, current) => current.WithType(current.Type.WithAdditionalAnnotations(Simplifier.Annotation)));
        SyntaxTriviaList indentation = SyntaxFactory.TriviaList(
            method.GetLeadingTrivia().Where(trivia => trivia.IsKind(SyntaxKind.WhitespaceTrivia)).Take(1));
        return list.WithLeadingTrivia(indentation).WithTrailingTrivia(LineEnds.Of(method)).WithAdditionalAnnotations(Formatter.Annotation);
    }
}
