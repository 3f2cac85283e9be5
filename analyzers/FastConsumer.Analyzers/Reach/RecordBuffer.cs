using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>A field, or a captured collection, that outlives the call, and what takes its content out.</summary>
internal sealed class RecordBuffer(ISymbol symbol)
{
    private static readonly string[] s_taking =
        ["Dequeue", "TryDequeue", "Pop", "TryPop", "TryPopRange", "Take", "TryTake", "GetConsumingEnumerable", "TryDequeueRange"];

    private static readonly string[] s_emptying = ["Clear", "RemoveRange", "SetLength", "ResetWrittenCount"];

    private static readonly string[] s_askingOnly =
        ["Contains", "Add", "AddRange", "Enqueue", "Push", "TryAdd", "Append", "AppendLine", "Clear", "EnsureCapacity", "TrimExcess",
            "Remove", "RemoveAt", "Write", "WriteByte", "Insert", "SetLength", "Any", "Count"];

    public ISymbol Symbol { get; } = symbol;

    /// <summary>
    /// The variable that a chain of indexers, lookups and aliases leads to; null where the chain begins at something of the call's own.
    /// </summary>
    public static ISymbol? Of(IOperation? chain, ReachedMethod method, int steps = 0)
    {
        IOperation? operation = chain?.Unwrapped();
        if (operation is null || steps > 8)
        {
            return null;
        }

        switch (operation)
        {
            case IPropertyReferenceOperation { Property.IsIndexer: true, Instance: { } instance }:
                return Of(instance, method, steps + 1);
            case IArrayElementReferenceOperation element:
                return Of(element.ArrayReference, method, steps + 1);
            case IInvocationOperation
            {
                Instance: { } instance,
                TargetMethod.Name: "GetOrAdd" or "GetValueOrDefault" or "AddOrUpdate" or "GetValueRefOrAddDefault"
            }:
                return Of(instance, method, steps + 1);
            case IConditionalAccessInstanceOperation:
                return null;
            case IMemberReferenceOperation { Member: { } member } reference when reference.Root().OutlivesCall():
                return member;
            case IParameterReferenceOperation { Parameter: { } parameter } when operation.OutlivesCall():
                return parameter;
            case ILocalReferenceOperation { Local: { } local }:
                return OfAlias(local, method, steps);
            default:
                return null;
        }
    }

    /// <summary>True for a reference to the buffer.</summary>
    public bool Is(IOperation? operation) => operation?.Unwrapped() switch
    {
        IMemberReferenceOperation member => SymbolEqualityComparer.Default.Equals(member.Member, Symbol),
        IParameterReferenceOperation parameter => SymbolEqualityComparer.Default.Equals(parameter.Parameter, Symbol)
            // the same service in another class
            || (parameter.OutlivesCall() && parameter.Parameter.ContainingSymbol is IMethodSymbol { MethodKind: MethodKind.Constructor }
                && Symbol is IParameterSymbol own && SymbolEqualityComparer.Default.Equals(own.Type, parameter.Type)),
        _ => false,
    };

    /// <summary>What takes the content out in one body: takes elements and uses them, or reads all and empties, or swaps.</summary>
    public IReadOnlyList<IOperation> Drains(IEnumerable<IOperation> body)
    {
        IOperation[] operations = [.. body];
        var drains = new List<IOperation>();
        HashSet<ISymbol> parts = Parts(operations);
        bool reads = operations.Any(operation => operation is ILocalReferenceOperation local
            ? parts.Contains(local.Local) && ReadsContent(operation)
            : Is(operation) && operation is IMemberReferenceOperation or IParameterReferenceOperation && ReadsContent(operation));
        foreach (IOperation operation in operations)
        {
            switch (operation)
            {
                case IInvocationOperation call when IsOn(call.Instance, parts) && Array.IndexOf(s_taking, call.TargetMethod.Name) >= 0
                    && IsUsed(call):
                case IInvocationOperation clear when reads && IsOn(clear.Instance, parts)
                    && Array.IndexOf(s_emptying, clear.TargetMethod.Name) >= 0 && !IsWholeBranch(clear):
                case IInvocationOperation { TargetMethod.Name: "Exchange" or "InterlockedExchange" } exchange
                    when exchange.Arguments.Any(argument => Is(argument.Value)) && exchange.Parent is not IExpressionStatementOperation:
                case ISimpleAssignmentOperation swap when reads && Is(swap.Target) && !swap.Value.Descendants().Any(Is):
                case ITupleOperation { Parent: IDeconstructionAssignmentOperation deconstruction } tuple when deconstruction.Target == tuple
                    && tuple.Elements.Any(Is):
                    drains.Add(operation);
                    break;
            }
        }

        return drains;
    }

    /// <summary>True where it is asked whether anything is in it: on the other way there is nothing to lose.</summary>
    public bool IsAskedForAny(IOperation operation) => operation switch
    {
        IPropertyReferenceOperation { Property.Name: "IsEmpty", Instance: { } asked } => Is(asked),
        IInvocationOperation { TargetMethod.Name: "Any", Arguments.Length: 1 } call => Is(call.Arguments[0].Value),
        IBinaryOperation { LeftOperand: IPropertyReferenceOperation { Property.Name: "Count" or "Length", Instance: { } asked } } test =>
            Is(asked)
            && ((test.OperatorKind is BinaryOperatorKind.GreaterThan or BinaryOperatorKind.Equals or BinaryOperatorKind.NotEquals
                && test.RightOperand.ConstantValue is { HasValue: true, Value: 0 })
                || (test.OperatorKind is BinaryOperatorKind.GreaterThanOrEqual or BinaryOperatorKind.LessThan
                    && test.RightOperand.ConstantValue is { HasValue: true, Value: 1 })),
        _ => false,
    };

    private static ISymbol? OfAlias(ILocalSymbol local, ReachedMethod method, int steps)
    {
        foreach (IVariableDeclaratorOperation declarator in method.Of<IVariableDeclaratorOperation>())
        {
            if (SymbolEqualityComparer.Default.Equals(declarator.Symbol, local)
                && declarator.GetVariableInitializer()?.Value is { } initial)
            {
                return Of(initial, method, steps + 1);
            }
        }

        // if (!_groups.TryGetValue(key, out var group)) { _groups[key] = group = []; }
        foreach (IInvocationOperation call in method.Of<IInvocationOperation>())
        {
            if (call.TargetMethod.Name == "TryGetValue" && call.Instance is { } dictionary
                && call.Arguments.Any(argument => argument.Value.DescendantsAndSelf()
                    .Any(part => part is ILocalReferenceOperation found && SymbolEqualityComparer.Default.Equals(found.Local, local))))
            {
                return Of(dictionary, method, steps + 1);
            }
        }

        return null;
    }

    /// <summary>The locals that hold one of the collections in the buffer: <c>_groups.TryGetValue(key, out var group)</c>.</summary>
    private HashSet<ISymbol> Parts(IOperation[] operations)
    {
        var parts = new HashSet<ISymbol>(SymbolEqualityComparer.Default);
        foreach (IInvocationOperation call in operations.OfType<IInvocationOperation>())
        {
            if (!Is(call.Instance))
            {
                continue;
            }

            if (call.TargetMethod.Name == "TryGetValue")
            {
                parts.UnionWith(
                    call.Arguments.SelectMany(argument => argument.Value.DescendantsAndSelf()).OfType<ILocalReferenceOperation>()
                        .Where(local => local.Parent is IDeclarationExpressionOperation
                            or IArgumentOperation { Parameter.RefKind: RefKind.Out }).Select(local => local.Local));
            }
            else if (call.TargetMethod.Name is "GetOrAdd" or "GetValueOrDefault"
                && call.Parent is IVariableInitializerOperation { Parent: IVariableDeclaratorOperation declarator })
            {
                parts.Add(declarator.Symbol);
            }
        }

        return parts;
    }

    /// <summary>True where all that a condition does is to empty the buffer: it drops what is too much, as a window does.</summary>
    private static bool IsWholeBranch(IInvocationOperation clear) => clear.Parent is IExpressionStatementOperation statement
        && (statement.Parent is IConditionalOperation
            || statement.Parent is IBlockOperation { Operations.Length: 1, Parent: IConditionalOperation });

    private bool IsOn(IOperation? chain, HashSet<ISymbol> parts)
    {
        for (IOperation? operation = chain?.Unwrapped(); operation is not null;)
        {
            if (Is(operation) || (operation is ILocalReferenceOperation local && parts.Contains(local.Local)))
            {
                return true;
            }

            operation = operation switch
            {
                IPropertyReferenceOperation { Property.IsIndexer: true, Instance: { } instance } => instance.Unwrapped(),
                _ => null,
            };
        }

        return false;
    }

    /// <summary>A window of the last elements drops the oldest, and a set of known ids forgets it: nobody uses it.</summary>
    private static bool IsUsed(IInvocationOperation call)
    {
        if (call.Arguments.FirstOrDefault(argument => argument.Parameter?.RefKind == RefKind.Out) is { } taken)
        {
            return taken.Value.Unwrapped() is not IDiscardOperation && !IsOnlyRemoved(taken.Value, call);
        }

        return call.Parent is not (IExpressionStatementOperation or ICompoundAssignmentOperation)
            && call.Parent is not ISimpleAssignmentOperation { Target: IDiscardOperation }
            && call.Parent is not IArgumentOperation { Parent: IInvocationOperation { TargetMethod.Name: "Remove" or "TryRemove" } };
    }

    private static bool IsOnlyRemoved(IOperation taken, IInvocationOperation call)
    {
        ISymbol? local = taken.DescendantsAndSelf().OfType<ILocalReferenceOperation>().FirstOrDefault()?.Local;
        IOperation root = call;
        while (root.Parent is not null)
        {
            root = root.Parent;
        }

        ILocalReferenceOperation[] uses = [.. root.Descendants().OfType<ILocalReferenceOperation>()
            .Where(use => SymbolEqualityComparer.Default.Equals(use.Local, local) && !taken.Syntax.Span.Contains(use.Syntax.Span))];
        return local is not null && uses.All(
            use => use.Parent is IArgumentOperation { Parent: IInvocationOperation { TargetMethod.Name: "Remove" or "TryRemove" } });
    }

    private static bool ReadsContent(IOperation reference)
    {
        IOperation used = reference;
        while (used.Parent is IConversionOperation or IParenthesizedOperation)
        {
            used = used.Parent;
        }

        return used.Parent switch
        {
            IForEachLoopOperation or IReturnOperation or IVariableInitializerOperation or ISpreadOperation => true,
            ISimpleAssignmentOperation assignment => assignment.Value == used,
            IArgumentOperation { Parent: IInvocationOperation call } => Array.IndexOf(s_askingOnly, call.TargetMethod.Name) < 0
                && !QuietCalls.IsTelling(call),
            IArgumentOperation => true,
            IInvocationOperation call => Array.IndexOf(s_askingOnly, call.TargetMethod.Name) < 0,
            IPropertyReferenceOperation { Property.IsIndexer: true } element => element.Parent is not IAssignmentOperation assignment
                || assignment.Target != element,
            IPropertyReferenceOperation { Property.Name: "WrittenMemory" or "WrittenSpan" or "Values" } => true,
            IArrayElementReferenceOperation element => element.Parent is not IAssignmentOperation stored || stored.Target != element,
            _ => false,
        };
    }
}
