using System.Collections.Immutable;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastConsumer.Analyzers.Processor;

/// <summary>FC1007: an attribute of ours in a class that is no processor: nothing reads it, and no record arrives.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC1007IdleAttribute : FastConsumerAnalyzer
{
    private static readonly ImmutableHashSet<string> s_names = ImmutableHashSet.Create(
        "OnRecord",
        "OnBatch", "OnShardStarted", "OnShardEnded", "OnLeaseLost", "OnStopping", "Filter", "OnError", "Checkpoint", "Concurrency",
        "State", "StateSerializer", "StateMigration", "StateMerge", "Output");

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.IdleAttribute];

    /// <inheritdoc/>
    protected override void Register(CompilationStartAnalysisContext context)
    {
        // asked for where such an attribute stands outside a processor only
        var bases = new Lazy<ImmutableHashSet<ISymbol?>>(
            () => BasesOfProcessors(context.Compilation.Assembly.GlobalNamespace), LazyThreadSafetyMode.ExecutionAndPublication);
        context.RegisterSyntaxNodeAction(node => Analyze(node, bases), SyntaxKind.Attribute);
    }

    private static void Analyze(SyntaxNodeAnalysisContext context, Lazy<ImmutableHashSet<ISymbol?>> bases)
    {
        var attribute = (AttributeSyntax)context.Node;
        string name = Name(attribute.Name);
        if (!s_names.Contains(name)
            || attribute.FirstAncestorOrSelf<TypeDeclarationSyntax>() is not { } declaration
            || declaration is InterfaceDeclarationSyntax
            || IsProcessor(declaration))
        {
            return;
        }

        // nothing is bound for an attribute that stands in a processor, as nearly all do
        if (context.SemanticModel.GetDeclaredSymbol(declaration, context.CancellationToken) is not INamedTypeSymbol type
            || type.FindAttribute("KinesisProcessorAttribute") is not null
            || MayBeABaseElsewhere(type)
            || (context.SemanticModel.GetSymbolInfo(attribute, context.CancellationToken).Symbol as IMethodSymbol)?.ContainingType
                .IsContract(name + "Attribute") != true
            || bases.Value.Contains(type))
        {
            return;
        }

        context.ReportDiagnostic(Diagnostic.Create(
            Descriptors.IdleAttribute,
            attribute.GetLocation(),
            $"[{name}] has no effect here: '{type.InMessages()}' is no processor, and no processor of this project derives from it. "
                + "Add [KinesisProcessor] to the class, or remove the attribute."));
    }

    /// <summary>True where this part of the class bears the attribute, by its name.</summary>
    private static bool IsProcessor(TypeDeclarationSyntax declaration) =>
        declaration.AttributeLists.SelectMany(list => list.Attributes).Any(attribute => Name(attribute.Name) == "KinesisProcessor");

    private static string Name(NameSyntax syntax)
    {
        string name = syntax switch
        {
            QualifiedNameSyntax qualified => qualified.Right.Identifier.ValueText,
            AliasQualifiedNameSyntax aliased => aliased.Name.Identifier.ValueText,
            SimpleNameSyntax simple => simple.Identifier.ValueText,
            _ => "",
        };
        return name.EndsWith("Attribute", StringComparison.Ordinal) ? name.Substring(0, name.Length - "Attribute".Length) : name;
    }

    /// <summary>True for abstract classes that other projects see.</summary>
    private static bool MayBeABaseElsewhere(INamedTypeSymbol type)
    {
        if (!type.IsAbstract || type.IsStatic)
        {
            return false;
        }

        for (INamedTypeSymbol? part = type; part is not null; part = part.ContainingType)
        {
            if (part.DeclaredAccessibility is not (Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal))
            {
                return false;
            }
        }

        return true;
    }

    private static ImmutableHashSet<ISymbol?> BasesOfProcessors(INamespaceSymbol root)
    {
        ImmutableHashSet<ISymbol?>.Builder bases = ImmutableHashSet.CreateBuilder<ISymbol?>(SymbolEqualityComparer.Default);
        var left = new Stack<INamespaceOrTypeSymbol>([root]);
        while (left.Count > 0)
        {
            INamespaceOrTypeSymbol current = left.Pop();
            if (current is INamedTypeSymbol type && type.FindAttribute("KinesisProcessorAttribute") is not null)
            {
                for (INamedTypeSymbol? part = type.BaseType; part is not null; part = part.BaseType)
                {
                    bases.Add(part.OriginalDefinition);
                }
            }

            foreach (INamespaceOrTypeSymbol member in current.GetMembers().OfType<INamespaceOrTypeSymbol>())
            {
                left.Push(member);
            }
        }

        return bases.ToImmutable();
    }
}
