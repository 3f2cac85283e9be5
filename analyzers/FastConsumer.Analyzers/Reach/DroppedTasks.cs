using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>Tasks that are awaited for their end alone, one by one or together: what they return is dropped.</summary>
internal static class DroppedTasks
{
    private const int MostSteps = 4;

    /// <summary>
    /// True for <c>await Task.WhenAll(items.Select(item => http.PostAsync(...)))</c> as a statement, also by way of locals.
    /// </summary>
    public static bool Holds(IInvocationOperation call, ReachedMethod method) => IsDropped(call, method, steps: 0);

    private static bool IsDropped(IOperation task, ReachedMethod method, int steps)
    {
        IOperation value = task;
        while (value.Parent is IReturnOperation or IBlockOperation or IAnonymousFunctionOperation or IDelegateCreationOperation
            or IArgumentOperation or IConversionOperation or IAwaitOperation
            or IInvocationOperation { TargetMethod.Name: "Select" or "ToArray" or "ToList" or "ConfigureAwait" }
            or IArrayInitializerOperation or IArrayCreationOperation or ICollectionExpressionOperation or ISpreadOperation)
        {
            value = value.Parent;
        }

        return value.Parent switch
        {
            IInvocationOperation { TargetMethod: { Name: "WhenAll" } target } all when target.ContainingType.IsTask() => IsAwaitedOnly(all),
            IInvocationOperation { TargetMethod.Name: "Add", Instance: { } instance }
                when instance.Unwrapped() is ILocalReferenceOperation { Local: { } tasks } => AreDropped(tasks, method, steps),
            IVariableInitializerOperation { Parent: IVariableDeclaratorOperation { Symbol: { } local } } => AreDropped(
                local, method, steps),
            IExpressionStatementOperation => steps > 0 && value is IAwaitOperation,
            _ => false,
        };
    }

    private static bool IsAwaitedOnly(IOperation all)
    {
        IOperation value = all;
        while (value.Parent is IAwaitOperation or IConversionOperation
            or IInvocationOperation { TargetMethod.Name: "ConfigureAwait" or "WaitAsync" })
        {
            value = value.Parent;
        }

        return value != all && value.Parent is IExpressionStatementOperation or ISimpleAssignmentOperation { Target: IDiscardOperation };
    }

    /// <summary>True where a local holds a task, or several, and is only awaited.</summary>
    private static bool AreDropped(ILocalSymbol local, ReachedMethod method, int steps)
    {
        if (steps >= MostSteps || !(local.Type.IsTask() || (local.Type as IArrayTypeSymbol)?.ElementType.IsTask() == true
            || (local.Type as INamedTypeSymbol)?.TypeArguments.FirstOrDefault().IsTask() == true))
        {
            return false;
        }

        ILocalReferenceOperation[] uses = [
            .. method.Of<ILocalReferenceOperation>().Where(use => SymbolEqualityComparer.Default.Equals(use.Local, local) && !Says(use))];
        return uses.Length > 0 && uses.All(use => IsDropped(use, method, steps + 1));
    }

    /// <summary>True where the collection is filled or counted, which says nothing of what is in it.</summary>
    private static bool Says(ILocalReferenceOperation use) => use.Parent switch
    {
        IInvocationOperation { TargetMethod.Name: "Add" or "Clear" or "EnsureCapacity" } call => call.Instance == use,
        IPropertyReferenceOperation { Property.Name: "Count" or "Length" or "Capacity" } => true,
        _ => false,
    };
}
