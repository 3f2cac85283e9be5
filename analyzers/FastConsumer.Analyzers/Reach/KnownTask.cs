using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>Tasks that are done where their result is asked for: then nothing blocks.</summary>
internal static class KnownTask
{
    /// <summary>
    /// True where the task was awaited before, was returned by WhenAny or WhenEach, is what a continuation follows, or is asked whether it
    /// is completed.
    /// </summary>
    public static bool IsDone(IOperation task, IOperation use, ReachedMethod method, ProcessorCode code)
    {
        if (IsWinner(task))
        {
            return true;
        }

        ISymbol? symbol = task.Unwrapped() switch
        {
            ILocalReferenceOperation local => local.Local,
            IParameterReferenceOperation parameter => parameter.Parameter,
            _ => null,
        };
        if (symbol is null)
        {
            // the results of an array of tasks, or of the tasks that a continuation follows
            return task.Root() switch
            {
                ILocalReferenceOperation { Local: { } array } => IsAwaitedBefore(array, use, method),
                IParameterReferenceOperation { Parameter: { } parameter } => IsOfContinuation(parameter, use, code),
                _ => false,
            };
        }

        if (symbol is IParameterSymbol asked)
        {
            if (IsOfContinuation(asked, use, code))
            {
                return true;
            }

            // in a lambda over tasks: Select(task => task.Result)
            if (asked.ContainingSymbol is IMethodSymbol { MethodKind: MethodKind.LambdaMethod })
            {
                return LambdaCall(use, asked)?.Arguments.FirstOrDefault()?.Value
                    .Unwrapped() is ILocalReferenceOperation { Local: { } tasks } && IsAwaitedBefore(tasks, use, method);
            }
        }

        return IsWinner(symbol, method)
            || IsAwaitedBefore(symbol, use, method)
            || IsElementOfDone(symbol, use, method)
            || IsComparedWithWinner(symbol, method)
            || method.Of<IPropertyReferenceOperation>()
                .Any(property => property.Property.Name is "IsCompleted" or "IsCompletedSuccessfully" && Refers(property.Instance, symbol));
    }

    private static bool IsWinner(IOperation task) =>
        task.Unwrapped() is IAwaitOperation await && await.Operation.DescendantsAndSelf().OfType<IInvocationOperation>().Any(IsWhenAny);

    private static bool IsWhenAny(IInvocationOperation call) =>
        call.TargetMethod.Name == "WhenAny" && call.TargetMethod.ContainingType.IsTask();

    private static bool IsWinner(ISymbol symbol, ReachedMethod method) =>
        method.Of<IVariableDeclaratorOperation>().Any(
            declarator => Same(declarator.Symbol, symbol) && declarator.GetVariableInitializer()?.Value is { } value && IsWinner(value))
        || method.Of<ISimpleAssignmentOperation>().Any(assignment => Refers(assignment.Target, symbol) && IsWinner(assignment.Value));

    private static bool IsComparedWithWinner(ISymbol symbol, ReachedMethod method) => method.Of<IBinaryOperation>().Any(comparison =>
        comparison.OperatorKind is BinaryOperatorKind.Equals or BinaryOperatorKind.NotEquals
        && (Refers(comparison.LeftOperand, symbol) || Refers(comparison.RightOperand, symbol))
        && comparison.LeftOperand.Unwrapped().Type.IsTask()
        && comparison.RightOperand.Unwrapped().Type.IsTask());

    /// <summary>True for the parameter of a lambda or method that follows a task: <c>ContinueWith(task => task.Result)</c>.</summary>
    private static bool IsOfContinuation(IParameterSymbol parameter, IOperation use, ProcessorCode code)
    {
        if (parameter.ContainingSymbol is not IMethodSymbol function)
        {
            return false;
        }

        if (function.MethodKind == MethodKind.LambdaMethod)
        {
            return LambdaCall(use, parameter) is { } call && Continues(call);
        }

        ReachedUse[] uses = [.. code.UsesOf(function)];
        return uses.Length > 0 && uses.All(
            place => place.Operation is IMethodReferenceOperation reference && Around(reference) is { } call && Continues(call));
    }

    private static bool Continues(IInvocationOperation call) =>
        call.TargetMethod.Name is "ContinueWith" or "ContinueWhenAll" or "ContinueWhenAny";

    private static IInvocationOperation? LambdaCall(IOperation use, IParameterSymbol parameter)
    {
        for (IOperation? parent = use.Parent; parent is not null; parent = parent.Parent)
        {
            if (parent is IAnonymousFunctionOperation lambda && Same(lambda.Symbol, parameter.ContainingSymbol))
            {
                return Around(parent);
            }
        }

        return null;
    }

    private static IInvocationOperation? Around(IOperation operation)
    {
        IOperation? parent = operation.Parent;
        while (parent is not null and not IInvocationOperation and not IBlockOperation)
        {
            parent = parent.Parent;
        }

        return parent as IInvocationOperation;
    }

    /// <summary>True for the variable of a loop over tasks that were awaited, or that WhenEach returns as they end.</summary>
    private static bool IsElementOfDone(ISymbol element, IOperation use, ReachedMethod method) =>
        method.Of<IForEachLoopOperation>().Any(loop =>
            loop.Locals.Contains(element, SymbolEqualityComparer.Default)
            && (loop.Collection.DescendantsAndSelf().OfType<IInvocationOperation>().Any(call => call.TargetMethod.Name == "WhenEach")
                || (loop.Collection.Unwrapped() is ILocalReferenceOperation { Local: { } tasks } && IsAwaitedBefore(tasks, use, method))));

    private static bool IsAwaitedBefore(ISymbol symbol, IOperation use, ReachedMethod method) => method.Of<IAwaitOperation>().Any(await =>
        await.Syntax.SpanStart < use.Syntax.SpanStart
        && await.Descendants().Any(operation => Refers(operation, symbol) && !IsInRace(operation, await)));

    /// <summary>After WhenAny one task is done, and nobody knows which.</summary>
    private static bool IsInRace(IOperation operation, IAwaitOperation await)
    {
        for (IOperation? parent = operation.Parent; parent is not null && parent != await; parent = parent.Parent)
        {
            if (parent is IInvocationOperation call && IsWhenAny(call))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Refers(IOperation? operation, ISymbol symbol) => operation?.Unwrapped() switch
    {
        ILocalReferenceOperation local => Same(local.Local, symbol),
        IParameterReferenceOperation parameter => Same(parameter.Parameter, symbol),
        _ => false,
    };

    private static bool Same(ISymbol? left, ISymbol? right) => SymbolEqualityComparer.Default.Equals(left, right);
}
