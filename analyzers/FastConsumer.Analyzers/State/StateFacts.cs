using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;

namespace FastConsumer.Analyzers.State;

/// <summary>Questions about state that several rules ask.</summary>
internal static class StateFacts
{
    /// <summary>The properties with [State], whether they are in order or not.</summary>
    public static IEnumerable<IPropertySymbol> StatesOf(INamedTypeSymbol processor) => processor.GetMembers().OfType<IPropertySymbol>()
        .Where(property => property.FindAttribute("StateAttribute") is not null);

    public static bool HasState(INamedTypeSymbol processor) => StatesOf(processor).Any();

    /// <summary>The type of a state's values; null for a property that can be no state.</summary>
    public static ITypeSymbol? ValueType(IPropertySymbol state) =>
        state.Type is INamedTypeSymbol { Arity: > 0 } named && IsKeyed(named) ? named.TypeArguments[named.Arity - 1] : null;

    /// <summary>True for what a property with [State] holds.</summary>
    public static bool IsKeyed(ITypeSymbol? type) => type?.Name is "KeyedState" or "KeyedMap" or "KeyedList" && type.IsContract(type.Name);

    /// <summary>True for what Of(context) returns.</summary>
    public static bool IsOfRecord(ITypeSymbol? type) =>
        type?.Name is "StateValue" or "StateMap" or "StateList" && type.IsContract(type.Name);
}
