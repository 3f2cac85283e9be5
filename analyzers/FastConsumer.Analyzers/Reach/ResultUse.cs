using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>What becomes of the value that a call returns, awaited where it is a task.</summary>
internal enum ResultFate
{
    /// <summary>Nothing: it is dropped, or put into a local that nobody reads.</summary>
    Dropped,

    /// <summary>Some of its members are used, and none that counts.</summary>
    OnlyOthers,

    /// <summary>It is looked at, or goes where this method does not see it.</summary>
    LookedAt,
}

/// <summary>Finds out what becomes of a call's value.</summary>
internal static class ResultUse
{
    /// <param name="call">The call.</param>
    /// <param name="method">The method around it.</param>
    /// <param name="counts">True for members that say whether it worked; null where any use counts.</param>
    public static ResultFate Of(IInvocationOperation call, ReachedMethod method, Func<ISymbol, bool>? counts)
    {
        IOperation value = call;
        while (true)
        {
            switch (value.Parent)
            {
                case IConversionOperation or IParenthesizedOperation or IAwaitOperation or IConditionalAccessOperation:
                    value = value.Parent;
                    continue;
                case IConditionalOperation choice when choice.Condition != value:
                    value = choice;
                    continue;
                case ISwitchExpressionArmOperation { Parent: { } choice } arm when arm.Value == value:
                    value = choice;
                    continue;
                // new ValueTask(SendAsync())
                case IArgumentOperation { Parent: IObjectCreationOperation { Type: { } made } creation } when made.IsTaskWithoutResult():
                    value = creation;
                    continue;
                case IInvocationOperation
                {
                    TargetMethod.Name: "ConfigureAwait" or "WaitAsync" or "AsTask" or "GetAwaiter" or "GetResult"
                } wrapper when wrapper.Instance == value:
                    value = wrapper;
                    continue;
                case IPropertyReferenceOperation { Property.Name: "Result" } result when result.Instance == value && value.Type.IsTask():
                    value = result;
                    continue;
            }

            break;
        }

        return OfValue(value, method, counts);
    }

    /// <summary>True where the value at hand is still a task that nobody waits for: that is another rule's matter.</summary>
    public static bool IsWaitedFor(IInvocationOperation call)
    {
        if (!call.Type.IsAwaitable())
        {
            return true;
        }

        for (IOperation? parent = call.Parent; parent is not null and not IBlockOperation; parent = parent.Parent)
        {
            // the caller waits for it
            if (parent is IReturnOperation { ReturnedValue: { } returned } && returned.Type.IsTaskWithoutResult())
            {
                return true;
            }

            if (parent is IAwaitOperation or IPropertyReferenceOperation { Property.Name: "Result" }
                or IInvocationOperation { TargetMethod.Name: "GetResult" or "Wait" })
            {
                return true;
            }
        }

        return false;
    }

    private static ResultFate OfValue(IOperation value, ReachedMethod method, Func<ISymbol, bool>? counts)
    {
        switch (value.Parent)
        {
            case IExpressionStatementOperation:
            case ISimpleAssignmentOperation { Target: IDiscardOperation }:
                return ResultFate.Dropped;
            case IVariableInitializerOperation { Parent: IVariableDeclaratorOperation { Symbol: { } local } }:
                return OfLocal(local, method, counts);
            case ISimpleAssignmentOperation { Target: ILocalReferenceOperation target } assignment when assignment.Value == value:
                return OfLocal(target.Local, method, counts);
            case IUsingOperation:
            // as a task without a result it says no more than whether the call threw
            case IReturnOperation when value.Type.IsTaskWithoutResult():
                return ResultFate.Dropped;
            case IMemberReferenceOperation member when member.Instance == value:
                return counts is null || counts(member.Member) ? ResultFate.LookedAt : ResultFate.OnlyOthers;
            case IInvocationOperation call when call.Instance == value:
                return counts is null || counts(call.TargetMethod) ? ResultFate.LookedAt : ResultFate.OnlyOthers;
            default:
                return ResultFate.LookedAt;
        }
    }

    private static ResultFate OfLocal(ILocalSymbol local, ReachedMethod method, Func<ISymbol, bool>? counts)
    {
        ResultFate fate = ResultFate.Dropped;
        foreach (ILocalReferenceOperation reference in method.Of<ILocalReferenceOperation>()
            .Where(reference => SymbolEqualityComparer.Default.Equals(reference.Local, local)))
        {
            IOperation used = reference;
            while (used.Parent is IConversionOperation or IParenthesizedOperation or IConditionalAccessOperation)
            {
                used = used.Parent;
            }

            switch (used.Parent)
            {
                case ISimpleAssignmentOperation assignment when assignment.Target == used || assignment.Target is IDiscardOperation:
                case INameOfOperation:
                    continue;
                case IMemberReferenceOperation member when member.Instance == used && counts is not null && !counts(member.Member):
                case IInvocationOperation call when call.Instance == used && counts is not null && !counts(call.TargetMethod):
                    fate = ResultFate.OnlyOthers;
                    continue;
                default:
                    return ResultFate.LookedAt;
            }
        }

        return fate;
    }
}
