using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Settings;

/// <summary>
/// How long one call of a handler may take by the constants in its own code: waits and time-outs one after the other, the
/// longer one of two branches, and loops with a constant number of rounds as often as they run. What has no constant counts
/// as nothing, so the sum is never too high for what it counts.
/// </summary>
internal sealed class HandlerWaits(ProcessorCode code, CancellationToken cancellationToken)
{
    private const int MostSteps = 12;

    private int _steps;

    public TimeSpan Longest(ReachedMethod handler) => Of(handler.Body);

    private TimeSpan Of(IOperation? operation)
    {
        cancellationToken.ThrowIfCancellationRequested();
        switch (operation)
        {
            case null or ILocalFunctionOperation or IAnonymousFunctionOperation:
                return TimeSpan.Zero;
            case IConditionalOperation choice:
                return Of(choice.Condition) + Max(Of(choice.WhenTrue), Of(choice.WhenFalse));
            case ISwitchOperation choice:
                return Of(choice.Value) + choice.Cases.Select(branch => Of(branch)).Aggregate(TimeSpan.Zero, Max);
            case ISwitchExpressionOperation choice:
                return Of(choice.Value) + choice.Arms.Select(arm => Of(arm.Value)).Aggregate(TimeSpan.Zero, Max);
            case ITryOperation attempt:
                return Of(attempt.Body) + attempt.Catches.Select(clause => Of(clause.Handler)).Aggregate(TimeSpan.Zero, Max)
                    + Of(attempt.Finally);
            case IForLoopOperation loop:
                return Multiply(Of(loop.Body), Rounds(loop));
            case IBlockOperation or IMethodBodyOperation or IConstructorBodyOperation:
                return Sequence(operation);
            case IInvocationOperation call:
                return Children(call) + OfCall(call);
            default:
                return Children(operation);
        }
    }

    /// <summary>A source of tokens with a time-out bounds all that follows in its block; its own waits are inside that time.</summary>
    private TimeSpan Sequence(IOperation block)
    {
        TimeSpan sum = TimeSpan.Zero;
        TimeSpan? bound = null;
        TimeSpan beforeBound = TimeSpan.Zero;
        foreach (IOperation statement in block.ChildOperations)
        {
            if (bound is null && TimeOut(statement) is { } time)
            {
                bound = time;
                beforeBound = sum;
            }

            sum += Of(statement);
        }

        return bound is { } limit ? Max(sum, beforeBound + limit) : sum;
    }

    private static TimeSpan? TimeOut(IOperation statement)
    {
        if (statement is ILoopOperation or IConditionalOperation or ITryOperation or IBlockOperation)
        {
            return null;
        }

        foreach (IOperation operation in statement.DescendantsAndSelf())
        {
            IArgumentOperation? argument = operation switch
            {
                IObjectCreationOperation { Arguments.Length: > 0 } creation when creation.Type.Is(
                    "System.Threading", "CancellationTokenSource") => creation.Arguments[0],
                IInvocationOperation { TargetMethod: { Name: "CancelAfter" } target, Arguments.Length: 1 } call
                    when target.ContainingType.Is("System.Threading", "CancellationTokenSource") => call.Arguments[0],
                _ => null,
            };
            if (argument is not null && TimeConstants.TryReadWait(argument.Value, out TimeSpan time) && time > TimeSpan.Zero)
            {
                return time;
            }
        }

        return null;
    }

    private TimeSpan OfCall(IInvocationOperation call)
    {
        IMethodSymbol method = call.TargetMethod;
        bool waits = (method.ContainingType.Is("System.Threading.Tasks", "Task") && method.Name is "Delay" or "WaitAsync" or "Wait")
            || (method.ContainingType.Is("System.Threading", "Thread") && method.Name == "Sleep")
            || (method.ContainingType.Is("System.Threading", "SemaphoreSlim") && method.Name is "Wait" or "WaitAsync");
        if (waits)
        {
            IArgumentOperation? time = call.Arguments.FirstOrDefault(argument => argument.Parameter?.Type is { } type
                && (type.SpecialType == SpecialType.System_Int32 || type.Is("System", "TimeSpan")));
            return TimeConstants.TryReadWait(time?.Value, out TimeSpan value) && value > TimeSpan.Zero ? value : TimeSpan.Zero;
        }

        if (_steps == MostSteps || (call.Type.IsAwaitable() && call.IsUnawaited())
            || code.Target(call, cancellationToken) is not { } target)
        {
            return TimeSpan.Zero;
        }

        _steps++;
        TimeSpan inside = target.Body is ILocalFunctionOperation local ? Of(local.Body) : Of(target.Body);
        _steps--;
        return inside;
    }

    private TimeSpan Children(IOperation operation) =>
        operation.ChildOperations.Aggregate(TimeSpan.Zero, (sum, child) => sum + Of(child));

    /// <summary>The rounds of <c>for (int i = a; i &lt; b; i++)</c>; one where they are not constant.</summary>
    private static int Rounds(IForLoopOperation loop)
    {
        if (loop.Condition is IBinaryOperation { OperatorKind: BinaryOperatorKind.LessThan or BinaryOperatorKind.LessThanOrEqual } condition
            && condition.RightOperand.ConstantValue is { HasValue: true, Value: int end }
            && loop.AtLoopBottom.Length == 1
            && loop.AtLoopBottom[0].DescendantsAndSelf().OfType<IIncrementOrDecrementOperation>()
                .Any(step => step.Kind == OperationKind.Increment)
            && loop.Before.SelectMany(before => before.DescendantsAndSelf()).OfType<IVariableDeclaratorOperation>().FirstOrDefault()
                ?.GetVariableInitializer()?.Value.ConstantValue is { HasValue: true, Value: int start })
        {
            int rounds = end - start + (condition.OperatorKind == BinaryOperatorKind.LessThanOrEqual ? 1 : 0);
            return Math.Min(Math.Max(rounds, 0), 1_000_000);
        }

        return 1;
    }

    private static TimeSpan Multiply(
        TimeSpan time, int count) => TimeSpan.FromTicks(Math.Min(time.Ticks, TimeSpan.FromDays(1).Ticks) * count);

    private static TimeSpan Max(TimeSpan left, TimeSpan right) => left > right ? left : right;
}
