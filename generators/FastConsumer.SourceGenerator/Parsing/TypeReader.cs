using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>FC1001: a processor is a partial class that DI can create, and that a generated file can add to.</summary>
internal static class TypeReader
{
    /// <summary>Reports what is wrong with the type. False where no part can be added to it, so that nothing is generated.</summary>
    public static bool Check(INamedTypeSymbol type, ShapeProblems problems, CancellationToken cancellationToken)
    {
        bool extensible = true;
        if (!IsPartial(type, cancellationToken))
        {
            Report($"'{type.InMessages()}' is a processor, so it must be partial: the generator adds its pipeline to it. Add 'partial'.");
            extensible = false;
        }

        for (INamedTypeSymbol? outer = type.ContainingType; outer is not null; outer = outer.ContainingType)
        {
            if (!IsPartial(outer, cancellationToken))
            {
                Report($"'{outer.InMessages()}' contains the processor '{type.InMessages()}', so it must be partial too. "
                    + "Add 'partial' to it, or move the processor out of it.");
                extensible = false;
            }

            if (outer.IsGenericType)
            {
                Report($"The processor '{type.InMessages()}' stands inside the generic type '{outer.InMessages()}', so it has no single "
                    + "form. Move it out of it.");
            }
        }

        if (type.DeclaringSyntaxReferences
            .FirstOrDefault()?.SyntaxTree.Options is CSharpParseOptions { LanguageVersion: < LanguageVersion.CSharp11 } options)
        {
            Report($"The processor '{type.InMessages()}' is compiled as C# {options.LanguageVersion.ToDisplayString()}, "
                + "but the generated code implements a static member of an interface, which C# 11 brought. "
                + "Set LangVersion to 11 or higher, or leave it out.");
            extensible = false;
        }

        if (type is { IsStatic: false, IsAbstract: false } && type.InstanceConstructors.All(
            constructor => constructor.DeclaredAccessibility is Accessibility.Private or Accessibility.Protected))
        {
            Report($"The processor '{type.InMessages()}' has no constructor that others may call, so no instance can be created for a "
                + "shard. Make a constructor public.");
        }

        if (type.IsStatic)
        {
            Report($"The processor '{type.InMessages()}' is static, but an instance is created for each shard. Remove 'static'.");
            extensible = false;
        }
        else if (type.IsAbstract)
        {
            Report($"The processor '{type.InMessages()}' is abstract, but an instance is created for each shard. Remove 'abstract', "
                + "or put the attribute and the handlers on a class derived from it.");
        }

        if (type.IsFileLocal())
        {
            Report($"The processor '{type.InMessages()}' is local to its file, so the generator cannot add to it. Remove 'file'.");
            extensible = false;
        }

        if (type.Arity > 0)
        {
            Report($"The processor '{type.InMessages()}' is generic, so it has no single pipeline. Remove its type parameters, "
                + "or put the attribute and the handlers on a class derived from it.");
        }

        return extensible;

        void Report(string message) => problems.Add(RuleIds.Type, Identifier(type, cancellationToken), message);
    }

    /// <summary>The name in the declaration that bears the attribute, or else in the first one.</summary>
    public static Location? Identifier(INamedTypeSymbol type, CancellationToken cancellationToken)
    {
        SyntaxNode? attribute = type.FindAttribute("KinesisProcessorAttribute")?.ApplicationSyntaxReference?.GetSyntax(cancellationToken);
        return attribute?.FirstAncestorOrSelf<TypeDeclarationSyntax>()?.Identifier.GetLocation() ?? type.Place();
    }

    private static bool IsPartial(INamedTypeSymbol type, CancellationToken cancellationToken) =>
        type.DeclaringSyntaxReferences.All(reference =>
            reference.GetSyntax(cancellationToken) is TypeDeclarationSyntax declaration
            && declaration.Modifiers.Any(SyntaxKind.PartialKeyword));
}
