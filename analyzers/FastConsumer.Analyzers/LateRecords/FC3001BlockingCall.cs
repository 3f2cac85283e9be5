using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
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

    private static readonly (string Namespace, string Name)[] s_io =
    [
        ("System.IO", "File"),
        ("System.IO", "FileStream"),
        ("System.IO.Pipes", "PipeStream"),
        ("System.Net", "Dns"),
        ("System.Net.Http", "HttpMessageInvoker"),
        ("System.Net.Security", "SslStream"),
        ("System.Net.Sockets", "NetworkStream"),
        ("System.Net.Sockets", "Socket"),
        ("System.Net.Sockets", "TcpClient"),
        ("System.Net.Sockets", "UdpClient"),
        ("System.Data.Common", "DbConnection"),
        ("System.Data.Common", "DbCommand"),
        ("System.Data.Common", "DbDataReader"),
        ("System.Data.Common", "DbTransaction"),
        ("System.Diagnostics", "Process"),
        ("Microsoft.EntityFrameworkCore", "DbContext"),
    ];

    // no wait, or one that the asynchronous form does not spare: what is read already, what only marks, what closes
    private static readonly string[] s_quick = ["Add", "AddRange", "Close", "Dispose", "GetFieldValue", "IsDBNull"];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.BlockingCall];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        foreach (ReachedMethod method in code.All)
        {
            foreach (IOperation operation in method.Operations)
            {
                if (Find(operation, method) is { } found)
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

    private static Found? Find(IOperation operation, ReachedMethod method)
    {
        switch (operation)
        {
            case IPropertyReferenceOperation { Property.Name: "Result", Instance: { } task } when task.Type.IsTask() && !IsKnownToBeDone(task, operation, method):
                return new Found("'.Result'", "Await the task.", AwaitReceiver);

            case IInvocationOperation { TargetMethod: { Name: "Wait" } wait, Instance: { } task } when task.Type.IsTask() && !IsKnownToBeDone(task, operation, method):
                return new Found("'.Wait()'", "Await the task.", wait.Parameters.IsEmpty ? AwaitReceiver : null);

            case IInvocationOperation { TargetMethod: { Name: "GetResult" } target, Instance: { } awaiter } when IsAwaiter(target.ContainingType):
                IOperation? task2 = (awaiter.Unwrapped() as IInvocationOperation)?.Instance;
                return task2 is not null && IsKnownToBeDone(task2, operation, method)
                    ? null
                    : new Found("'.GetAwaiter().GetResult()'", "Await the task.", task2 is null ? null : AwaitReceiver);

            case IInvocationOperation { TargetMethod: { Name: "WaitAll" or "WaitAny" } target } when target.ContainingType.IsTask():
                bool plain = target.Parameters.Length == 1;
                return new Found($"'Task.{target.Name}'", $"Await Task.{(target.Name == "WaitAll" ? "WhenAll" : "WhenAny")}.", plain && target.Name == "WaitAll" ? When : null);

            case IInvocationOperation { TargetMethod: { Name: "Sleep" } target } when target.ContainingType.Is("System.Threading", "Thread"):
                return new Found("'Thread.Sleep'", "Await Task.Delay, with the handler's token.", Delay);

            case IInvocationOperation { TargetMethod: { Name: "Wait" } target } when target.ContainingType.Is("System.Threading", "SemaphoreSlim") && !IsZero(operation):
                return new Found("'SemaphoreSlim.Wait'", "Await WaitAsync.", AsyncTwin);

            case IInvocationOperation { TargetMethod: { Name: "WaitOne" or "WaitAll" or "WaitAny" } target } when target.ContainingType.DerivesFrom("System.Threading", "WaitHandle") && !IsZero(operation):
                return new Found($"'{target.ContainingType.Name}.{target.Name}'", "Wait asynchronously, on a SemaphoreSlim or a TaskCompletionSource.", Way: null);

            case IInvocationOperation { TargetMethod: { Name: "Wait" } target } when target.ContainingType.Name is "ManualResetEventSlim" or "CountdownEvent" && target.ContainingType.NamespaceName() == "System.Threading":
                return new Found($"'{target.ContainingType.Name}.Wait'", "Wait asynchronously, on a SemaphoreSlim or a TaskCompletionSource.", Way: null);

            case IInvocationOperation { TargetMethod: { } target } when s_io.Any(entry => target.ContainingType.DerivesFrom(entry.Namespace, entry.Name)) && Twin(target) is { } twin:
                return new Found($"'{target.ContainingType.Name}.{target.Name}'", $"Await {twin.Name}.", AsyncTwin);

            default:
                return null;
        }
    }

    /// <summary>The method of the same type that does the same and returns a task.</summary>
    private static IMethodSymbol? Twin(IMethodSymbol method)
    {
        if (method.Name.EndsWith("Async", StringComparison.Ordinal) || method.ReturnType.IsTask() || Array.IndexOf(s_quick, method.Name) >= 0)
        {
            return null;
        }

        for (INamedTypeSymbol? type = method.ContainingType; type is not null; type = type.BaseType)
        {
            IMethodSymbol? twin = type.GetMembers(method.Name + "Async").OfType<IMethodSymbol>().FirstOrDefault(candidate =>
                candidate.IsStatic == method.IsStatic
                && candidate.DeclaredAccessibility == Accessibility.Public
                && candidate.ReturnType.IsTask()
                && TakesTheSame(candidate, method));
            if (twin is not null)
            {
                return twin;
            }
        }

        return null;
    }

    private static bool TakesTheSame(IMethodSymbol candidate, IMethodSymbol method)
    {
        ImmutableArray<IParameterSymbol> own = method.Parameters;
        ImmutableArray<IParameterSymbol> others = candidate.Parameters;
        if (others.Length < own.Length)
        {
            return false;
        }

        for (int i = 0; i < others.Length; i++)
        {
            bool fits = i < own.Length
                ? SymbolEqualityComparer.Default.Equals(own[i].Type, others[i].Type)
                : others[i].IsOptional || others[i].Type.IsCancellationToken();
            if (!fits)
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsAwaiter(INamedTypeSymbol type)
    {
        string name = (type.ContainingType ?? type).Name;
        return type.ContainingNamespace.IsNamed("System.Runtime.CompilerServices")
            && name is "TaskAwaiter" or "ValueTaskAwaiter" or "ConfiguredTaskAwaitable" or "ConfiguredValueTaskAwaitable";
    }

    private static bool IsZero(IOperation call) => ((IInvocationOperation)call).Arguments.Any(argument => argument.Value.ConstantValue is { HasValue: true, Value: 0 });

    /// <summary>True where the task was awaited before, or is asked whether it is completed: then nothing blocks.</summary>
    private static bool IsKnownToBeDone(IOperation task, IOperation use, ReachedMethod method)
    {
        ISymbol? symbol = task.Unwrapped() switch
        {
            ILocalReferenceOperation local => local.Local,
            IParameterReferenceOperation parameter => parameter.Parameter,
            _ => null,
        };
        if (symbol is null)
        {
            // the results of an array of tasks
            return task.Root() is ILocalReferenceOperation { Local: { } array } && IsAwaitedBefore(array, use, method);
        }

        // in a lambda over tasks: Select(task => task.Result)
        if (symbol is IParameterSymbol { ContainingSymbol: IMethodSymbol { MethodKind: MethodKind.LambdaMethod } })
        {
            IOperation? source = Call(use)?.Arguments.FirstOrDefault()?.Value;
            return source?.Unwrapped() is ILocalReferenceOperation { Local: { } tasks } && IsAwaitedBefore(tasks, use, method);
        }

        return IsAwaitedBefore(symbol, use, method) || IsElementOfAwaited(symbol, use, method) || method.Operations.OfType<IPropertyReferenceOperation>().Any(property =>
            property.Property.Name is "IsCompleted" or "IsCompletedSuccessfully" && Refers(property.Instance, symbol));
    }

    private static IInvocationOperation? Call(IOperation use)
    {
        for (IOperation? parent = use.Parent; parent is not null; parent = parent.Parent)
        {
            if (parent is IAnonymousFunctionOperation)
            {
                while (parent is not null and not IInvocationOperation)
                {
                    parent = parent.Parent;
                }

                return parent as IInvocationOperation;
            }
        }

        return null;
    }

    private static bool IsElementOfAwaited(ISymbol element, IOperation use, ReachedMethod method) => method.Operations.OfType<IForEachLoopOperation>().Any(loop =>
        loop.Locals.Contains(element, SymbolEqualityComparer.Default)
        && loop.Collection.Unwrapped() is ILocalReferenceOperation { Local: { } tasks }
        && IsAwaitedBefore(tasks, use, method));

    private static bool IsAwaitedBefore(ISymbol symbol, IOperation use, ReachedMethod method) => method.Operations.OfType<IAwaitOperation>().Any(await =>
        await.Syntax.SpanStart < use.Syntax.SpanStart
        && await.Descendants().Any(operation => Refers(operation, symbol)));

    private static bool Refers(IOperation? operation, ISymbol symbol) => operation?.Unwrapped() switch
    {
        ILocalReferenceOperation local => SymbolEqualityComparer.Default.Equals(local.Local, symbol),
        IParameterReferenceOperation parameter => SymbolEqualityComparer.Default.Equals(parameter.Parameter, symbol),
        _ => false,
    };

    private readonly record struct Found(string What, string Instead, string? Way);
}
