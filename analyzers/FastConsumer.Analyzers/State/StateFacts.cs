using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.State;

/// <summary>Questions about state and outputs that several rules ask.</summary>
internal static class StateFacts
{
    /// <summary>The properties with [State], whether they are in order or not.</summary>
    public static IEnumerable<IPropertySymbol> StatesOf(INamedTypeSymbol processor) => processor.GetMembers().OfType<IPropertySymbol>()
        .Where(property => property.FindAttribute("StateAttribute") is not null);

    /// <summary>The properties with [Output], whether they are in order or not.</summary>
    public static IEnumerable<IPropertySymbol> OutputsOf(INamedTypeSymbol processor) => processor.GetMembers().OfType<IPropertySymbol>()
        .Where(property => property.FindAttribute("OutputAttribute") is not null);

    public static bool HasState(INamedTypeSymbol processor) => StatesOf(processor).Any();

    public static bool HasOutputs(INamedTypeSymbol processor) => OutputsOf(processor).Any();

    /// <summary>The type of a state's values; null for a property that can be no state.</summary>
    public static ITypeSymbol? ValueType(IPropertySymbol state) =>
        state.Type is INamedTypeSymbol { Arity: > 0 } named && IsKeyed(named) ? named.TypeArguments[named.Arity - 1] : null;

    /// <summary>The type of an output's values; null for a property that can be no output.</summary>
    public static ITypeSymbol? OutputType(IPropertySymbol output) =>
        output.Type is INamedTypeSymbol { Arity: 1 } named && IsOutput(named) ? named.TypeArguments[0] : null;

    /// <summary>True for what a property with [Output] holds.</summary>
    public static bool IsOutput(ITypeSymbol? type) => type.IsContract("Output");

    /// <summary>True for a call that adds a value to an output; the first argument is the context, the last one the value.</summary>
    public static bool IsAdd(IInvocationOperation call) =>
        call is { TargetMethod.Name: "Add", Arguments.Length: 2 or 3 } && IsOutput(call.TargetMethod.ContainingType);

    /// <summary>True for what a property with [State] holds.</summary>
    public static bool IsKeyed(ITypeSymbol? type) => type?.Name is "KeyedState" or "KeyedMap" or "KeyedList" && type.IsContract(type.Name);

    /// <summary>True for what Of(context) returns.</summary>
    public static bool IsOfRecord(ITypeSymbol? type) =>
        type?.Name is "StateValue" or "StateMap" or "StateList" && type.IsContract(type.Name);
}
