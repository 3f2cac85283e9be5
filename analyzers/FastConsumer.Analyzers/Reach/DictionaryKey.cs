using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>The getter of a dictionary that throws where the key is missing, and what shows that its author thought of that.</summary>
internal static class DictionaryKey
{
    private static readonly string[] s_dictionaries =
        ["Dictionary", "IDictionary", "IReadOnlyDictionary", "SortedDictionary", "SortedList", "ReadOnlyDictionary", "ConcurrentDictionary",
            "ImmutableDictionary", "ImmutableSortedDictionary", "IImmutableDictionary", "FrozenDictionary"];

    private static readonly string[] s_asking = ["ContainsKey", "TryGetValue", "TryAdd", "GetOrAdd", "AddOrUpdate", "Add", "SetItem",
        "GetValueOrDefault", "GetValueRefOrAddDefault", "EnsureKey"];

    /// <summary>True where the key may be missing for all that the code before shows.</summary>
    public static bool MayBeMissing(IPropertyReferenceOperation element, ProcessorCode code, CancellationToken cancellationToken)
    {
        if (element.Property.Parameters.Length != 1
            || element.Instance is not { } instance
            || Array.IndexOf(s_dictionaries, element.Property.ContainingType.Name) < 0
            || !element.Property.ContainingType.NamespaceName().StartsWith("System.Collections", StringComparison.Ordinal)
            || IsWritten(element)
            || IsInNameOf(element))
        {
            return false;
        }

        IOperation root = element;
        while (root.Parent is not null)
        {
            root = root.Parent;
        }

        string text = Text(instance);
        if (root.Descendants().Any(operation => operation.Syntax.SpanStart < element.Syntax.SpanStart && Shows(operation, text)))
        {
            return false;
        }

        ISymbol? member = instance.Unwrapped() switch
        {
            IMemberReferenceOperation reference => reference.Member,
            IParameterReferenceOperation
            {
                Parameter: { ContainingSymbol: IMethodSymbol { MethodKind: MethodKind.Constructor } } captured
            } => captured,
            _ => null,
        };
        // what a field holds other methods may have asked before
        return (member is null || !code.All.Any(method => method.Operations.Any(operation => Shows(operation, text))))
            && !HoldsConstant(element, instance, member, root, code, cancellationToken);
    }

    // counts[key]++ reads first; counts[key] = x does not
    private static bool IsWritten(IPropertyReferenceOperation element) => element.Parent switch
    {
        ISimpleAssignmentOperation assignment => assignment.Target == element,
        ITupleOperation { Parent: IDeconstructionAssignmentOperation deconstruction } tuple => deconstruction.Target == tuple,
        _ => false,
    };

    private static bool IsInNameOf(IOperation operation) => operation.Parent is INameOfOperation;

    private static string Text(IOperation instance) => instance.Unwrapped().Syntax.ToString().Replace("this.", "");

    private static bool Shows(IOperation operation, string dictionary) => operation switch
    {
        IInvocationOperation call when Array.IndexOf(s_asking, call.TargetMethod.Name) >= 0 =>
            (call.Instance ?? call.Arguments.FirstOrDefault()?.Value) is { } asked && Text(asked) == dictionary,
        ISimpleAssignmentOperation { Target: IPropertyReferenceOperation { Property.IsIndexer: true, Instance: { } filled } } =>
            Text(filled) == dictionary,
        ICoalesceAssignmentOperation { Target: IPropertyReferenceOperation { Property.IsIndexer: true, Instance: { } filled } } =>
            Text(filled) == dictionary,
        IPropertyReferenceOperation { Property.Name: "Keys", Instance: { } asked } => Text(asked) == dictionary,
        IForEachLoopOperation loop => Text(loop.Collection) == dictionary,
        // dictionary.Select(pair => ...), dictionary.Any(...)
        IInvocationOperation { TargetMethod: { IsExtensionMethod: true } target } call when target.ContainingType.Is(
            "System.Linq", "Enumerable") => call.Arguments.FirstOrDefault()?.Value is { } source && Text(source) == dictionary,
        _ => false,
    };

    /// <summary>True for a constant key that the dictionary is declared with.</summary>
    private static bool HoldsConstant(
        IPropertyReferenceOperation element,
        IOperation instance,
        ISymbol? member,
        IOperation root,
        ProcessorCode code,
        CancellationToken cancellationToken)
    {
        if (element.Arguments[0].Value.Unwrapped() is not { ConstantValue: { HasValue: true, Value: { } key } })
        {
            return false;
        }

        IOperation? made = member is IFieldSymbol or IPropertySymbol
            ? MethodBodies.Of(code.Compilation).Initializer(member, cancellationToken)
            : instance.Unwrapped() is ILocalReferenceOperation local
                ? root.Descendants().OfType<IVariableDeclaratorOperation>()
                    .FirstOrDefault(declarator => SymbolEqualityComparer.Default.Equals(declarator.Symbol, local.Local))
                : null;
        return made?.Descendants().Any(operation => operation is IArgumentOperation { Value: { } value }
                && value.Unwrapped().ConstantValue is { HasValue: true, Value: { } known } && Equals(known, key)) == true;
    }
}
