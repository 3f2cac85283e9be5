using System.Collections.Immutable;
using System.Composition;
using FastConsumer.Analyzers.State;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Formatting;
using Microsoft.CodeAnalysis.Simplification;

namespace FastConsumer.CodeFixes.Processor;

/// <summary>
/// FC1005 and FC5003: registers the type of a payload or of a state in the processor's JSON context, which may stand in another file.
/// </summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class FC1005AddToContext : CodeFixProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [RuleIds.Json, RuleIds.StateJson];

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => AddAll.Instance;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        foreach (Diagnostic diagnostic in context.Diagnostics)
        {
            if (await FindAsync(context.Document, diagnostic, context.CancellationToken).ConfigureAwait(false) is { } missing)
            {
                context.RegisterCodeFix(
                    CodeAction.Create(
                        $"Add {missing.Payload.Name} to {missing.Context.Name}",
                        token => AddAsync(context.Document.Project.Solution, [missing], token),
                        equivalenceKey: nameof(FC1005AddToContext)),
                    diagnostic);
            }
        }
    }

    private static async Task<Missing?> FindAsync(Document document, Diagnostic diagnostic, CancellationToken cancellationToken)
    {
        SyntaxNode? root = await document.GetSyntaxRootAsync(cancellationToken).ConfigureAwait(false);
        SemanticModel? model = await document.GetSemanticModelAsync(cancellationToken).ConfigureAwait(false);
        SyntaxNode? node = root?.FindNode(diagnostic.Location.SourceSpan);
        (ITypeSymbol? missing, INamedTypeSymbol? processor) = node?.FirstAncestorOrSelf<ParameterSyntax>() is { } parameter
            ? Payload(model?.GetDeclaredSymbol(parameter, cancellationToken))
            : node?.FirstAncestorOrSelf<PropertyDeclarationSyntax>() is { } property
                && model?.GetDeclaredSymbol(property, cancellationToken) is IPropertySymbol state
                ? (StateFacts.ValueType(state), state.ContainingType)
                : default;
        if (missing is null)
        {
            return null;
        }

        var json = processor?.FindAttribute("KinesisProcessorAttribute")?.Value("JsonContext") as INamedTypeSymbol;
        SyntaxReference? reference = json?.DeclaringSyntaxReferences.FirstOrDefault();
        if (json is null || reference is null || document.Project.Solution.GetDocument(reference.SyntaxTree) is not { } target)
        {
            return null;
        }

        return new Missing(missing, json, reference, target.Id);
    }

    private static (ITypeSymbol? Missing, INamedTypeSymbol? Processor) Payload(IParameterSymbol? parameter) =>
        parameter?.ContainingSymbol is not IMethodSymbol method ? default
        : method.FindAttribute("OnBatchAttribute") is null ? (parameter.Type, method.ContainingType)
        : (parameter.Type.OnlyTypeArgument() ?? parameter.Type, method.ContainingType);

    /// <summary>Adds each payload once to its context; several payloads of several files may go into one.</summary>
    private static async Task<Solution> AddAsync(Solution solution, IReadOnlyList<Missing> all, CancellationToken cancellationToken)
    {
        foreach (IGrouping<DocumentId, Missing> ofDocument in all.GroupBy(missing => missing.Document))
        {
            Document document = solution.GetDocument(ofDocument.Key)!;
            SyntaxNode root = (await document.GetSyntaxRootAsync(cancellationToken).ConfigureAwait(false))!;
            Dictionary<SyntaxNode, List<ITypeSymbol>> additions = ofDocument
                .GroupBy(missing => root.FindNode(missing.Reference.Span))
                .ToDictionary(group => group.Key, group => group.Select(missing => missing.Payload)
                    .Distinct<ITypeSymbol>(SymbolEqualityComparer.Default)
                    .OrderBy(payload => payload.Name, StringComparer.Ordinal).ToList());
            root = root.ReplaceNodes(additions.Keys, (original, current) => additions[original].Aggregate(
                (TypeDeclarationSyntax)current, (context, payload) => Add(context, payload, original)));
            solution = solution.WithDocumentSyntaxRoot(ofDocument.Key, root);
        }

        return solution;
    }

    private static TypeDeclarationSyntax Add(TypeDeclarationSyntax context, ITypeSymbol payload, SyntaxNode original)
    {
        SyntaxTriviaList leading = context.GetLeadingTrivia();
        AttributeListSyntax list = SyntaxFactory
            .ParseCompilationUnit(
                $"[global::System.Text.Json.Serialization.JsonSerializable(typeof({payload.InCodeNotNull()}))] class C {{ }}")
            .DescendantNodes().OfType<AttributeListSyntax>().First();
        list = list.ReplaceNodes(
            list.DescendantNodes().Where(node => node is TypeOfExpressionSyntax or AttributeSyntax),
            (_, current) => current switch
            {
                TypeOfExpressionSyntax type => type.WithType(type.Type.WithAdditionalAnnotations(Simplifier.Annotation)),
                AttributeSyntax attribute => attribute.WithName(attribute.Name.WithAdditionalAnnotations(Simplifier.Annotation)),
                _ => current,
            });
        list = list
            .WithLeadingTrivia(
                context.AttributeLists.Count == 0 ? leading : leading.Where(trivia => trivia.IsKind(SyntaxKind.WhitespaceTrivia)))
            .WithTrailingTrivia(LineEnds.Of(original))
            .WithAdditionalAnnotations(Formatter.Annotation);
        return context.AttributeLists.Count == 0
            ? (TypeDeclarationSyntax)context.WithLeadingTrivia(leading.Where(trivia => trivia.IsKind(SyntaxKind.WhitespaceTrivia)))
                .AddAttributeLists(list)
            : (TypeDeclarationSyntax)context.AddAttributeLists(list);
    }

    /// <summary>A type that its context does not know.</summary>
    private sealed record Missing(ITypeSymbol Payload, INamedTypeSymbol Context, SyntaxReference Reference, DocumentId Document);

    /// <summary>All findings of a document, a project or the solution, in one edit of each context.</summary>
    private sealed class AddAll : FixAllProvider
    {
        public static readonly AddAll Instance = new();

        public override async Task<CodeAction?> GetFixAsync(FixAllContext context)
        {
            var all = new List<Missing>();
            IEnumerable<Project> projects = context.Scope == FixAllScope.Solution ? context.Solution.Projects : [context.Project];
            foreach (Document document in context.Scope == FixAllScope.Document && context.Document is { } only
                ? [only]
                : projects.SelectMany(project => project.Documents))
            {
                foreach (Diagnostic diagnostic in await context.GetDocumentDiagnosticsAsync(document).ConfigureAwait(false))
                {
                    if (await FindAsync(document, diagnostic, context.CancellationToken).ConfigureAwait(false) is { } missing)
                    {
                        all.Add(missing);
                    }
                }
            }

            return all.Count == 0 ? null : CodeAction.Create(
                "Add the types to their contexts", token => AddAsync(context.Solution, all, token), nameof(FC1005AddToContext));
        }
    }
}
