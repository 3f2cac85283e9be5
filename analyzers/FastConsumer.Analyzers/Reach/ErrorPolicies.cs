using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;

namespace FastConsumer.Analyzers.Reach;

/// <summary>An <c>[OnError]</c> as it was written.</summary>
internal sealed class ErrorPolicy(AttributeData attribute, INamedTypeSymbol exception, string action)
{
    public AttributeData Attribute { get; } = attribute;

    public INamedTypeSymbol Exception { get; } = exception;

    /// <summary>True where failing records are tried again without end.</summary>
    public bool RetriesForEver => action == "Retry" && (Attribute.Value("MaxAttempts") ?? DefaultAttempts) is null or 0 or int.MaxValue;

    private object? DefaultAttempts =>
        Attribute.AttributeClass?.GetMembers("DefaultMaxAttempts").OfType<IFieldSymbol>().FirstOrDefault()?.ConstantValue;

    public bool Takes(ITypeSymbol thrown) => thrown.DerivesFrom(Exception);
}

/// <summary>The error policies of a handler.</summary>
internal static class ErrorPolicies
{
    public const string AttributeName = "OnErrorAttribute";
    public const string AttributeMetadataName = "FastConsumer." + AttributeName;

    /// <summary>The policies in the order in which they are looked up: of the method, its class, its assembly.</summary>
    public static IEnumerable<ErrorPolicy> Of(IMethodSymbol handler) =>
        On(handler).Concat(On(handler.ContainingType)).Concat(On(handler.ContainingAssembly));

    private static IEnumerable<ErrorPolicy> On(ISymbol symbol)
    {
        foreach (AttributeData attribute in symbol.GetAttributes())
        {
            if (attribute.AttributeClass.IsContract(AttributeName)
                && attribute.ConstructorArguments.Length >= 2
                && attribute.ConstructorArguments[0].Value is INamedTypeSymbol exception)
            {
                yield return new ErrorPolicy(attribute, exception, Name(attribute.ConstructorArguments[1]));
            }
        }
    }

    private static string Name(TypedConstant action) => action.Type?
        .GetMembers()
        .OfType<IFieldSymbol>()
        .FirstOrDefault(member => member.HasConstantValue && Equals(member.ConstantValue, action.Value))?.Name ?? "";
}
