using Microsoft.CodeAnalysis;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>An output whose declaration is in order.</summary>
internal sealed class OutputShape(IPropertySymbol property, string name, ITypeSymbol type)
{
    public IPropertySymbol Property { get; } = property;

    /// <summary>Its name, by which a sink is bound to it.</summary>
    public string Name { get; } = name;

    /// <summary>The type of its values.</summary>
    public ITypeSymbol Type { get; } = type;
}
