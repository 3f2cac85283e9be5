using System.Collections.Immutable;
using System.Composition;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Formatting;
using Microsoft.CodeAnalysis.Simplification;

namespace FastConsumer.CodeFixes.Processor;

/// <summary>FC1005: registers the payload's type in the processor's JSON context, which may stand in another file.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class FC1005AddToContext : CodeFixProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [RuleIds.Json];

    // several payloads change one context: one after the other
    /// <inheritdoc/>
    public override FixAllProvider? GetFixAllProvider() => null;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        SyntaxNode? root = await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false);
        SemanticModel? model = await context.Document.GetSemanticModelAsync(context.CancellationToken).ConfigureAwait(false);
        ParameterSyntax? parameter = root?.FindNode(context.Span).FirstAncestorOrSelf<ParameterSyntax>();
        if (parameter is null || model?.GetDeclaredSymbol(parameter, context.CancellationToken) is not { ContainingSymbol: IMethodSymbol method } symbol)
        {
            return;
        }

        var json = method.ContainingType.FindAttribute("KinesisProcessorAttribute")?.Value("JsonContext") as INamedTypeSymbol;
        SyntaxReference? reference = json?.DeclaringSyntaxReferences.FirstOrDefault();
        Document? document = reference is null ? null : context.Document.Project.Solution.GetDocument(reference.SyntaxTree);
        if (json is null || document is null)
        {
            return;
        }

        ITypeSymbol payload = method.FindAttribute("OnBatchAttribute") is null ? symbol.Type : symbol.Type.OnlyTypeArgument() ?? symbol.Type;
        string title = $"Add {payload.Name} to {json.Name}";
        context.RegisterCodeFix(
            CodeAction.Create(title, token => AddAsync(document, reference!, payload, token), equivalenceKey: title),
            context.Diagnostics);
    }

    private static async Task<Document> AddAsync(Document document, SyntaxReference reference, ITypeSymbol payload, CancellationToken cancellationToken)
    {
        SyntaxNode root = (await document.GetSyntaxRootAsync(cancellationToken).ConfigureAwait(false))!;
        var context = (TypeDeclarationSyntax)await reference.GetSyntaxAsync(cancellationToken).ConfigureAwait(false);
        SyntaxTriviaList leading = context.GetLeadingTrivia();
        AttributeListSyntax list = SyntaxFactory
            .ParseCompilationUnit($"[global::System.Text.Json.Serialization.JsonSerializable(typeof({payload.InCodeNotNull()}))] class C {{ }}")
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
            .WithLeadingTrivia(context.AttributeLists.Count == 0 ? leading : leading.Where(trivia => trivia.IsKind(SyntaxKind.WhitespaceTrivia)))
            .WithTrailingTrivia(LineEnds.Of(context))
            .WithAdditionalAnnotations(Formatter.Annotation);
        TypeDeclarationSyntax extended = context.AttributeLists.Count == 0
            ? (TypeDeclarationSyntax)context.WithLeadingTrivia(leading.Where(trivia => trivia.IsKind(SyntaxKind.WhitespaceTrivia))).AddAttributeLists(list)
            : (TypeDeclarationSyntax)context.AddAttributeLists(list);
        return document.WithSyntaxRoot(root.ReplaceNode(context, extended));
    }
}
