using System.Collections.Immutable;
using System.Composition;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;

namespace FastConsumer.CodeFixes.Processor;

/// <summary>FC1001: adds 'partial' to a processor and to the types around it, or to a state or an output.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class FC1001MakePartial : FastConsumerFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [RuleIds.Type];

    /// <inheritdoc/>
    private protected override IEnumerable<string> Titles(FixPlace place) => NotPartial(place.Node).Any() || State(place) is not null
        ? ["Make partial"]
        : [];

    /// <inheritdoc/>
    private protected override void Edit(DocumentEditor editor, FixPlace place, string key)
    {
        if (State(place) is { } state)
        {
            editor.ReplaceNode(state, (current, _) => MakePartial((PropertyDeclarationSyntax)current));
            return;
        }

        foreach (TypeDeclarationSyntax type in NotPartial(place.Node))
        {
            editor.ReplaceNode(type, (current, _) => MakePartial((TypeDeclarationSyntax)current));
        }
    }

    private static IEnumerable<TypeDeclarationSyntax> NotPartial(SyntaxNode node) =>
        node.AncestorsAndSelf().OfType<TypeDeclarationSyntax>().Where(type => !type.Modifiers.Any(SyntaxKind.PartialKeyword));

    /// <summary>The state or output that is reported, where it can be a partial property as it is.</summary>
    private static PropertyDeclarationSyntax? State(FixPlace place) =>
        place.Node is PropertyDeclarationSyntax { AccessorList: { } accessors, Initializer: null } property
        && !property.Modifiers.Any(SyntaxKind.PartialKeyword)
        && accessors.Accessors.All(accessor => accessor is { Body: null, ExpressionBody: null })
            ? property
            : null;

    private static PropertyDeclarationSyntax MakePartial(PropertyDeclarationSyntax property)
    {
        SyntaxToken partial = SyntaxFactory.Token(SyntaxKind.PartialKeyword).WithTrailingTrivia(SyntaxFactory.Space);
        return property.Modifiers.Count == 0
            ? property
                .WithType(property.Type.WithLeadingTrivia())
                .WithModifiers(SyntaxFactory.TokenList(partial.WithLeadingTrivia(property.Type.GetLeadingTrivia())))
            : property.WithModifiers(property.Modifiers.Add(partial));
    }

    private static TypeDeclarationSyntax MakePartial(TypeDeclarationSyntax type)
    {
        if (type.Modifiers.Any(SyntaxKind.PartialKeyword))
        {
            return type;
        }

        SyntaxToken partial = SyntaxFactory.Token(SyntaxKind.PartialKeyword).WithTrailingTrivia(SyntaxFactory.Space);
        return type.Modifiers.Count == 0
            ? (TypeDeclarationSyntax)type
                .WithKeyword(type.Keyword.WithLeadingTrivia())
                .WithModifiers(SyntaxFactory.TokenList(partial.WithLeadingTrivia(type.Keyword.LeadingTrivia)))
            : (TypeDeclarationSyntax)type.WithModifiers(type.Modifiers.Add(partial));
    }
}
