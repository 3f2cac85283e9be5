using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>
/// Parameters that are services: marked [FromServices], or [FromKeyedServices] of Microsoft.Extensions.DependencyInjection for a service that
/// is registered with a key.
/// </summary>
internal static class ServiceParameter
{
    private const string KeyedNamespace = "Microsoft.Extensions.DependencyInjection";
    private const string KeyedName = "FromKeyedServicesAttribute";

    /// <summary>True for a service.</summary>
    public static bool IsService(this IParameterSymbol parameter) =>
        parameter.FindAttribute("FromServicesAttribute") is not null || parameter.FindKeyed() is not null;

    /// <summary>Why the key cannot be used; null for a parameter without a key, and for a key that can.</summary>
    public static string? KeyProblem(this IParameterSymbol parameter)
    {
        if (parameter.FindKeyed() is not { } keyed)
        {
            return null;
        }

        if (keyed.ConstructorArguments.IsDefaultOrEmpty)
        {
            return "[FromKeyedServices] without a key takes that of the service around it, and a handler has none. Give the key";
        }

        TypedConstant key = keyed.ConstructorArguments[0];
        return key.Kind switch
        {
            TypedConstantKind.Array => "an array is no key that a service can be found by. Use a string, a number, an enum or a type",
            // the compiler reports what is wrong with it
            TypedConstantKind.Error => "the key of [FromKeyedServices] is not known",
            TypedConstantKind.Type when ((ITypeSymbol)key.Value!).IsFileLocal() => "the key of [FromKeyedServices] is a type that is local to a file",
            _ => null,
        };
    }

    /// <summary>The key as code writes it; null for a service without a key.</summary>
    public static string? ServiceKeyInCode(this IParameterSymbol parameter)
    {
        if (parameter.FindKeyed() is not { ConstructorArguments: { IsDefaultOrEmpty: false } arguments } || arguments[0].IsNull)
        {
            return null;
        }

        TypedConstant key = arguments[0];
        return key switch
        {
            { Kind: TypedConstantKind.Type } => $"typeof({((ITypeSymbol)key.Value!).InCodeNotNull()})",
            { Value: string text } => SymbolDisplay.FormatLiteral(text, quote: true),
            // its type is part of the key: 1 is not 1L
            _ => $"({key.Type!.InCodeNotNull()})({SymbolDisplay.FormatPrimitive(key.Value!, quoteStrings: true, useHexadecimalNumbers: false)})",
        };
    }

    private static AttributeData? FindKeyed(this IParameterSymbol parameter)
    {
        foreach (AttributeData attribute in parameter.GetAttributes())
        {
            if (attribute.AttributeClass.Is(KeyedNamespace, KeyedName))
            {
                return attribute;
            }
        }

        return null;
    }
}
