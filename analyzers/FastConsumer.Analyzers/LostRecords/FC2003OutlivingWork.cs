using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.LostRecords;

/// <summary>
/// FC2003: work that a handler starts and does not wait for: its failure is seen by nobody, and the record counts as done before it.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC2003OutlivingWork : HandlerAnalyzer
{
    /// <summary>Set where 'await' before the reported expression is the remedy.</summary>
    internal const string CanAwait = nameof(CanAwait);

    private const string Remedy = "The record counts as done before the work is, and a failure is seen by nobody.";

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.OutlivingWork];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        foreach (ReachedMethod method in code.FromRecords)
        {
            var work = new StartedWork(code, method, findings.CancellationToken);
            foreach (IOperation operation in method.Operations)
            {
                if (Find(operation, method, work) is { } found)
                {
                    findings.Report(
                        Descriptors.OutlivingWork,
                        found.Place,
                        $"{found.What}. {Remedy} {found.HowToMend}",
                        found.CanAwait ? [(CanAwait, "true")] : []);
                }
            }
        }
    }

    private static Found? Find(IOperation operation, ReachedMethod method, StartedWork work)
    {
        switch (operation)
        {
            case IExpressionStatementOperation statement when statement.UnawaitedValue() is { } value && !work.IsInForgetting(value):
                return new Found(
                    value.Syntax.GetLocation(),
                    $"Nobody awaits '{Name(value)}'",
                    IsConditionalOnFailure(value) ? "Await the work itself, and handle its failure in a catch." : "Await it.",
                    CanAwait: value is IInvocationOperation or IConditionalOperation && !IsConditionalOnFailure(value));

            case IExpressionStatementOperation statement when Discarded(statement) is IInvocationOperation all
                && StartedWork.StartsAll(all):
                return new Found(
                    all.Syntax.GetLocation(),
                    $"Nobody awaits the tasks of '{Name(all)}'",
                    "Await them with Task.WhenAll.",
                    CanAwait: false);

            case IInvocationOperation call when call.Type.IsTask() && work.IsHandedToNobody(call):
                return new Found(
                    call.Syntax.GetLocation(),
                    $"'{Name(call)}' is handed to code that does not await it",
                    "Await it here.",
                    CanAwait: false);

            case IInvocationOperation race when work.IsRaceWithDelay(race)
                && StartedWork.RaceParts(race).FirstOrDefault(part => part is IInvocationOperation && !work.IsDelay(part)) is { } loser
                && !work.ThrowsOnTimeOut(race):
                return new Found(
                    loser.Syntax.GetLocation(),
                    $"Nobody awaits '{Name(loser)}' where the delay ends first",
                    "Throw on the time-out, or use WaitAsync, which does.",
                    CanAwait: false);

            case IAwaitOperation { Parent: IExpressionStatementOperation } await
                when await.Type.IsTask() && await.Operation.Unwrapped() is IInvocationOperation { TargetMethod.Name: not "WhenAny" } call:
                return new Found(
                    call.Syntax.GetLocation(),
                    $"'{Name(call)}' is awaited, but not the task that it returns",
                    "Use Task.Run, or Unwrap().",
                    CanAwait: false);

            case IInvocationOperation { TargetMethod: { IsAsync: true, ReturnsVoid: true } target } call:
                return new Found(
                    call.Syntax.GetLocation(),
                    $"'{target.Name}' is async void, so nobody can await it",
                    "Let it return a Task, and await it.",
                    CanAwait: false);

            case IAnonymousFunctionOperation { Symbol: { IsAsync: true, ReturnsVoid: true } } lambda:
                SyntaxToken keyword = ((AnonymousFunctionExpressionSyntax)lambda.Syntax).AsyncKeyword;
                return new Found(
                    keyword.GetLocation(),
                    "This lambda is async void, so nobody can await it",
                    "Await the work in the handler itself, or pass it to a method that takes a Func<Task>.",
                    CanAwait: false);

            case IInvocationOperation { TargetMethod: { Name: "QueueUserWorkItem" or "UnsafeQueueUserWorkItem" } target } call
                when target.ContainingType.Is("System.Threading", "ThreadPool"):
                return new Found(
                    call.Syntax.GetLocation(), "The thread pool runs this later", "Await the work in the handler.", CanAwait: false);

            case IInvocationOperation { TargetMethod: { Name: "Start" or "UnsafeStart" } target } call
                when target.ContainingType.Is("System.Threading", "Thread") && !Joins(method):
                return new Found(
                    call.Syntax.GetLocation(), "This thread goes on after the handler", "Await the work in the handler.", CanAwait: false);

            case IObjectCreationOperation creation when IsTimer(creation.Type) && !IsDisposedHere(creation):
                return new Found(
                    creation.Syntax.GetLocation(),
                    "A timer runs its work after the handler has returned",
                    "Await the work in the handler.",
                    CanAwait: false);

            case IInvocationOperation { TargetMethod: { Name: "CreateTimer" } target } call
                when target.ContainingType.DerivesFrom("System", "TimeProvider") && !IsDisposedHere(call):
                return new Found(
                    call.Syntax.GetLocation(),
                    "A timer runs its work after the handler has returned",
                    "Await the work in the handler.",
                    CanAwait: false);

            case IEventAssignmentOperation { Adds: true } subscription when !EndsHere(subscription, method):
                return new Found(
                    subscription.Syntax.GetLocation(),
                    "An event runs this after the handler has returned, once more with each record",
                    "Subscribe once, in the constructor, or unsubscribe before the handler ends.",
                    CanAwait: false);

            case IVariableDeclaratorOperation { Symbol: { } local } declarator
                when StartedWork.Start(declarator.GetVariableInitializer()?.Value) is { } start && IsHeld(start)
                    && work.IsLeft(local, start):
                return Left(start);

            case ISimpleAssignmentOperation { Target: ILocalReferenceOperation { IsDeclaration: false } target } assignment
                when StartedWork.Start(assignment.Value) is { } start && IsHeld(start) && work.IsLeft(target.Local, start):
                return Left(start);

            case ISimpleAssignmentOperation
            {
                Target: IMemberReferenceOperation { Member: IFieldSymbol or IPropertySymbol } target
            } assignment
                when StartedWork.Start(assignment.Value) is { } start && start.Type.IsTask() && IsOwnMember(target)
                    && !IsAwaited(target.Member, method):
                return new Found(
                    start.Syntax.GetLocation(),
                    $"Nobody awaits '{Name(start)}' before the handler returns",
                    "Await it here.",
                    CanAwait: false);

            // tasks[i] = StartAsync();
            case ISimpleAssignmentOperation
            {
                Target: IArrayElementReferenceOperation or IPropertyReferenceOperation { Property.IsIndexer: true }
            } assignment
                when StartedWork.Start(assignment.Value) is { } start && start.Type.IsTask()
                    && assignment.Target.Root() is ILocalReferenceOperation holder && work.IsLeft(holder.Local, start):
                return Collected(start);

            case IInvocationOperation { TargetMethod.Name: "Add" or "Enqueue" or "Push" or "TryAdd", Instance: { } collection } add
                when add.Arguments.Length == 1 && StartedWork.Start(add.Arguments[0].Value) is { } start && start.Type.IsTask():
                bool left = collection.Unwrapped() switch
                {
                    ILocalReferenceOperation local => work.IsLeft(local.Local, start),
                    IMemberReferenceOperation member => work.IsLeft(member.Member, start),
                    _ => false,
                };
                return left ? Collected(start) : null;

            default:
                return null;
        }
    }

    private static Found Left(IOperation start) => start.Type.IsAwaitable()
        ? new Found(
            start.Syntax.GetLocation(),
            $"A way to the end of the method does not await '{Name(start)}'",
            "Await it on every way.",
            CanAwait: false)
        : new Found(
            start.Syntax.GetLocation(),
            $"A way to the end of the method does not await the tasks of '{Name(start)}'",
            "Await them with Task.WhenAll.",
            CanAwait: false);

    private static Found Collected(IOperation start) => new(
        start.Syntax.GetLocation(),
        $"Nobody awaits '{Name(start)}' before the handler returns, on one way at least",
        "Await the collected tasks with Task.WhenAll, also those that are left at the end.",
        CanAwait: false);

    // a task that does something: a delay that a race does not wait for loses nothing
    private static bool IsHeld(IOperation start) => start is IInvocationOperation call
        ? StartedWork.StartsAll(call)
            || (call.Type.IsTask() && !(call.TargetMethod.Name == "Delay" && call.TargetMethod.ContainingType.IsTask()))
        : start.Type.IsTask();

    private static IOperation Discarded(IExpressionStatementOperation statement) =>
        statement.Operation.Unwrapped() is ISimpleAssignmentOperation { Target: IDiscardOperation } discard
        ? discard.Value.Unwrapped()
        : statement.Operation.Unwrapped();

    /// <summary>
    /// True where the task at hand is not that of the work: an await would wait for something else, or throw where nothing failed.
    /// </summary>
    private static bool IsConditionalOnFailure(IOperation value) =>
        value.DescendantsAndSelf().Any(operation => operation is IInvocationOperation { TargetMethod.Name: "ContinueWith" or "WhenAny" });

    private static bool IsTimer(ITypeSymbol? type) => type.Is("System.Threading", "Timer") || type.Is("System.Timers", "Timer");

    private static bool IsDisposedHere(IOperation creation)
    {
        for (IOperation? parent = creation.Parent; parent is not null; parent = parent.Parent)
        {
            if (parent is IUsingOperation or IUsingDeclarationOperation)
            {
                return true;
            }

            if (parent is IBlockOperation)
            {
                return false;
            }
        }

        return false;
    }

    private static bool Joins(ReachedMethod method) => method.Of<IInvocationOperation>()
        .Any(call => call.TargetMethod.Name == "Join" && call.TargetMethod.ContainingType.Is("System.Threading", "Thread"));

    private static bool EndsHere(IEventAssignmentOperation subscription, ReachedMethod method)
    {
        if (subscription.EventReference is not IEventReferenceOperation reference)
        {
            return true;
        }

        // what is created here ends here
        if (reference.Instance?.Unwrapped() is ILocalReferenceOperation)
        {
            return true;
        }

        return method.Of<IEventAssignmentOperation>().Any(other =>
            !other.Adds
            && other.EventReference is IEventReferenceOperation otherReference
            && SymbolEqualityComparer.Default.Equals(otherReference.Event, reference.Event));
    }

    private static bool IsOwnMember(IMemberReferenceOperation member) => member.Root().OutlivesCall();

    private static bool IsAwaited(ISymbol member, ReachedMethod method) => method.Of<IAwaitOperation>().Any(await =>
        await.Descendants().OfType<IMemberReferenceOperation>()
            .Any(reference => SymbolEqualityComparer.Default.Equals(reference.Member, member)));

    private static string Name(IOperation operation) => operation switch
    {
        IInvocationOperation { TargetMethod.Name: "ConfigureAwait" or "AsTask", Instance: { } instance } => Name(instance.Unwrapped()),
        IInvocationOperation call => call.TargetMethod.Name,
        IConditionalAccessOperation access => Name(access.WhenNotNull.Unwrapped()),
        IConditionalOperation choice when choice.WhenTrue.Unwrapped() is IInvocationOperation call => Name(call),
        _ => "this task",
    };

    private readonly record struct Found(Location Place, string What, string HowToMend, bool CanAwait);
}
