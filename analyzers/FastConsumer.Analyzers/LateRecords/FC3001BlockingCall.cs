using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.Analyzers.Settings;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.LateRecords;

/// <summary>FC3001: a call that holds its thread while it waits, so that other shards wait with it.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC3001BlockingCall : HandlerAnalyzer
{
    /// <summary>The diagnostic's property that says how to wait instead: one of the constants below.</summary>
    internal const string Way = nameof(Way);

    /// <summary>Await the receiver: of <c>.Result</c>, <c>.Wait()</c> and <c>.GetAwaiter().GetResult()</c>.</summary>
    internal const string AwaitReceiver = nameof(AwaitReceiver);

    /// <summary>Await Task.Delay.</summary>
    internal const string Delay = nameof(Delay);

    /// <summary>Await the method of the same name with Async behind it.</summary>
    internal const string AsyncTwin = nameof(AsyncTwin);

    /// <summary>Await Task.WhenAll or Task.WhenAny.</summary>
    internal const string When = nameof(When);

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.BlockingCall];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        foreach (ReachedMethod method in code.All)
        {
            foreach (IOperation operation in method.Operations)
            {
                if (Find(operation, method, code) is { } found)
                {
                    findings.Report(
                        Descriptors.BlockingCall,
                        operation.Syntax.GetLocation(),
                        $"{found.What} blocks its thread; with several shards the pool runs out of them, and records wait. {found.Instead}",
                        (Way, found.Way));
                }
            }
        }
    }

    private static Found? Find(IOperation operation, ReachedMethod method, ProcessorCode code)
    {
        switch (operation)
        {
            case IPropertyReferenceOperation { Property.Name: "Result", Instance: { } task } when task.Type.IsTask()
                && !KnownTask.IsDone(task, operation, method, code):
                return new Found("'.Result'", "Await the task.", AwaitReceiver);

            case IInvocationOperation { TargetMethod: { Name: "Wait" } wait, Instance: { } task } when task.Type.IsTask()
                && !IsZero(operation) && !KnownTask.IsDone(task, operation, method, code):
                return new Found("'.Wait()'", "Await the task.", wait.Parameters.IsEmpty ? AwaitReceiver : null);

            case IInvocationOperation { TargetMethod: { Name: "GetResult" } target, Instance: { } awaiter }
                when IsAwaiter(target.ContainingType):
                IOperation? task2 = (awaiter.Unwrapped() as IInvocationOperation)?.Instance;
                return task2 is not null && KnownTask.IsDone(task2, operation, method, code)
                    ? null
                    : new Found("'.GetAwaiter().GetResult()'", "Await the task.", task2 is null ? null : AwaitReceiver);

            case IInvocationOperation { TargetMethod: { Name: "WaitAll" or "WaitAny" } target } when target.ContainingType.IsTask()
                && !IsZero(operation):
                bool plain = target.Parameters.Length == 1;
                return new Found(
                    $"'Task.{target.Name}'",
                    $"Await Task.{(target.Name == "WaitAll" ? "WhenAll" : "WhenAny")}.",
                    plain && target.Name == "WaitAll" ? When : null);

            case IInvocationOperation { TargetMethod: { Name: "Sleep" } target } when target.ContainingType.Is(
                "System.Threading", "Thread"):
                return new Found("'Thread.Sleep'", "Await Task.Delay, with the handler's token.", Delay);

            case IInvocationOperation { TargetMethod: { Name: "Wait" } target }
                when target.ContainingType.Is("System.Threading", "SemaphoreSlim") && !IsZero(operation):
                return new Found("'SemaphoreSlim.Wait'", "Await WaitAsync.", AsyncTwin);

            case IInvocationOperation { TargetMethod: { Name: "WaitOne" or "WaitAll" or "WaitAny" } target }
                when target.ContainingType.DerivesFrom("System.Threading", "WaitHandle") && !IsZero(operation):
                return new Found(
                    $"'{target.ContainingType.Name}.{target.Name}'",
                    "Wait asynchronously, on a SemaphoreSlim or a TaskCompletionSource.", Way: null);

            case IInvocationOperation { TargetMethod: { Name: "Wait" } target }
                when target.ContainingType.Name is "ManualResetEventSlim" or "CountdownEvent"
                    && target.ContainingType.NamespaceName() == "System.Threading" && !IsZero(operation):
                return new Found(
                    $"'{target.ContainingType.Name}.Wait'",
                    "Wait asynchronously, on a SemaphoreSlim or a TaskCompletionSource.", Way: null);

            case IInvocationOperation call when BlockingTwins.Find(call) is { } twin:
                return new Found(
                    $"'{call.TargetMethod.ContainingType.Name}.{call.TargetMethod.Name}'",
                    $"Await {twin.Name}.",
                    twin.IsExact ? AsyncTwin : null);

            default:
                return null;
        }
    }

    private static bool IsAwaiter(INamedTypeSymbol type)
    {
        string name = (type.ContainingType ?? type).Name;
        return type.ContainingNamespace.IsNamed("System.Runtime.CompilerServices")
            && name is "TaskAwaiter" or "ValueTaskAwaiter" or "ConfiguredTaskAwaitable" or "ConfiguredValueTaskAwaitable";
    }

    private static bool IsZero(IOperation call) => ((IInvocationOperation)call).Arguments.Any(argument =>
        TimeConstants.TryReadWait(argument.Value.Unwrapped(), out TimeSpan time) && time == TimeSpan.Zero);

    private readonly record struct Found(string What, string Instead, string? Way);
}
