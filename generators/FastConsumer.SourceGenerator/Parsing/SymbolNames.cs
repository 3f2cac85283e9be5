using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>Names of symbols: which type is meant, and how code and messages write it.</summary>
internal static class SymbolNames
{
    public const string ProcessorAttribute = "FastConsumer.KinesisProcessorAttribute";

    /// <summary>Stands for an attribute's first positional argument.</summary>
    public const string FirstArgument = "";

    private static readonly SymbolDisplayFormat s_inCode = SymbolDisplayFormat.FullyQualifiedFormat
        .AddMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier);

    /// <summary>True for the type of this namespace and name, wherever it is defined.</summary>
    public static bool Is(this ITypeSymbol? type, string containingNamespace, string name) =>
        type is INamedTypeSymbol { ContainingType: null } named
        && named.Name == name
        && named.ContainingNamespace.IsNamed(containingNamespace);

    /// <summary>True for the namespace of this full name; makes no string, for the question is asked of every attribute in sight.</summary>
    public static bool IsNamed(this INamespaceSymbol? symbol, string fullName)
    {
        int end = fullName.Length;
        for (INamespaceSymbol? part = symbol; part is { IsGlobalNamespace: false }; part = part.ContainingNamespace)
        {
            string name = part.Name;
            int start = end - name.Length;
            if (start < 0 || string.CompareOrdinal(fullName, start, name, 0, name.Length) != 0)
            {
                return false;
            }

            if (part.ContainingNamespace is null or { IsGlobalNamespace: true })
            {
                return start == 0;
            }

            end = start - 1;
            if (end < 0 || fullName[end] != '.')
            {
                return false;
            }
        }

        return fullName.Length == 0;
    }

    /// <summary>True for a type of the contract.</summary>
    public static bool IsContract(this ITypeSymbol? type, string name) => type.Is("FastConsumer", name);

    /// <summary>The attribute of the contract; null without it.</summary>
    public static AttributeData? FindAttribute(this ISymbol symbol, string name)
    {
        foreach (AttributeData attribute in symbol.GetAttributes())
        {
            if (attribute.AttributeClass.IsContract(name))
            {
                return attribute;
            }
        }

        return null;
    }

    /// <summary>The type as generated code writes it, with nullable annotations.</summary>
    public static string InCode(this ITypeSymbol type) => type.ToDisplayString(s_inCode);

    /// <summary>The type as generated code writes it where an annotation of its own is not allowed, such as in typeof.</summary>
    public static string InCodeNotNull(this ITypeSymbol type) =>
        type.IsValueType ? type.InCode() : type.WithNullableAnnotation(NullableAnnotation.NotAnnotated).InCode();

    /// <summary>The symbol as messages write it.</summary>
    public static string InMessages(this ISymbol symbol) => symbol.ToDisplayString(SymbolDisplayFormat.CSharpErrorMessageFormat);

    /// <summary>A name as code writes it: keywords get their @.</summary>
    public static string Escape(string name) =>
        SyntaxFacts.GetKeywordKind(name) != SyntaxKind.None || SyntaxFacts.GetContextualKeywordKind(name) != SyntaxKind.None
            ? "@" + name
            : name;

    /// <summary>True where a type inside this one's name cannot be written in another file.</summary>
    public static bool IsFileLocal(this ITypeSymbol type) => type switch
    {
        IArrayTypeSymbol array => array.ElementType.IsFileLocal(),
        INamedTypeSymbol named => named.IsFileLocal
            || named.TypeArguments.Any(IsFileLocal)
            || (named.ContainingType is { } containing && containing.IsFileLocal()),
        _ => false,
    };

    /// <summary>The first type inside this one that does not exist; null where all do.</summary>
    public static ITypeSymbol? FindUnknown(this ITypeSymbol type) => type switch
    {
        { TypeKind: TypeKind.Error } => type,
        IArrayTypeSymbol array => array.ElementType.FindUnknown(),
        INamedTypeSymbol named => named.TypeArguments.Select(FindUnknown).FirstOrDefault(unknown => unknown is not null),
        _ => null,
    };

    /// <summary>Where the user wrote the symbol's name.</summary>
    public static Location? Place(this ISymbol symbol) => symbol.Locations.FirstOrDefault(location => location.IsInSource);

    /// <summary>Where the user wrote an argument of an attribute; the whole attribute where the argument is left out.</summary>
    public static Location? Place(this AttributeData attribute, string argumentName, CancellationToken cancellationToken)
    {
        if (attribute.ApplicationSyntaxReference?.GetSyntax(cancellationToken) is not AttributeSyntax syntax)
        {
            return null;
        }

        AttributeArgumentSyntax? argument = syntax.ArgumentList?.Arguments.FirstOrDefault(
            candidate => (candidate.NameEquals?.Name ?? candidate.NameColon?.Name)?.Identifier.ValueText == argumentName
                || (candidate is { NameEquals: null, NameColon: null } && argumentName == FirstArgument));
        return (argument ?? (SyntaxNode)syntax).GetLocation();
    }

    /// <summary>The value of the first positional argument; null without one.</summary>
    public static object? FirstValue(this AttributeData attribute) =>
        attribute.ConstructorArguments.IsDefaultOrEmpty || attribute.ConstructorArguments[0].Kind == TypedConstantKind.Array
            ? null
            : attribute.ConstructorArguments[0].Value;

    /// <summary>The only type argument; null where there are none, or several.</summary>
    public static ITypeSymbol? OnlyTypeArgument(this ITypeSymbol type) =>
        type is INamedTypeSymbol { TypeArguments.Length: 1 } named ? named.TypeArguments[0] : null;

    /// <summary>The value of a named argument; null where it is left out.</summary>
    public static object? Value(this AttributeData attribute, string name)
    {
        foreach (KeyValuePair<string, TypedConstant> argument in attribute.NamedArguments)
        {
            if (argument.Key == name)
            {
                return argument.Value.Kind == TypedConstantKind.Array ? null : argument.Value.Value;
            }
        }

        return null;
    }

    /// <summary>The value of a named argument, or else the constant of the attribute's class that holds its default.</summary>
    public static T ValueOrDefault<T>(this AttributeData attribute, string name, string defaultName)
    {
        object? value = attribute.Value(name)
            ?? attribute.AttributeClass?.GetMembers(defaultName).OfType<IFieldSymbol>().FirstOrDefault()?.ConstantValue;
        return value is T typed ? typed : throw new InvalidOperationException($"{attribute.AttributeClass?.Name}.{name} has no default "
            + $"{defaultName}: FastConsumer and its generator are of different versions.");
    }
}
