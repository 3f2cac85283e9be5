using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>Where a call goes on after a catch: what the clause does with the failure, and whether the caller learns of it.</summary>
internal sealed class CaughtPath
{
    private readonly ICatchClauseOperation _clause;
    private readonly ITryOperation _attempt;
    private readonly CatchClauseSyntax _syntax;
    private readonly SemanticModel _model;
    private readonly ProcessorCode _code;
    private readonly ReachedMethod _method;
    private readonly IMethodSymbol _function;
    private bool? _leavesNote;
    private readonly CancellationToken _cancellationToken;

    private CaughtPath(
        ICatchClauseOperation clause,
        ITryOperation attempt,
        CatchClauseSyntax syntax,
        ReachedMethod method,
        ProcessorCode code,
        CancellationToken cancellationToken)
    {
        _clause = clause;
        _attempt = attempt;
        _syntax = syntax;
        _method = method;
        _model = method.Model;
        _code = code;
        _function = clause.EnclosingFunction() ?? method.Method;
        _cancellationToken = cancellationToken;
    }

    public static CaughtPath? Of(
        ICatchClauseOperation clause, ReachedMethod method, ProcessorCode code, CancellationToken cancellationToken) =>
        clause is { Parent: ITryOperation attempt, Syntax: CatchClauseSyntax { Parent: TryStatementSyntax } syntax }
            ? new CaughtPath(clause, attempt, syntax, method, code, cancellationToken)
            : null;

    /// <summary>The word <c>catch</c> with what it names.</summary>
    public Location Place => Location.Create(
        _syntax.SyntaxTree,
        Microsoft.CodeAnalysis.Text.TextSpan.FromBounds(
            _syntax.CatchKeyword.SpanStart, (_syntax.Declaration?.Span ?? _syntax.CatchKeyword.Span).End));

    /// <summary>True where the clause throws, at least on one of its ways.</summary>
    public bool Throws => Own(_clause.Handler).Any(operation => operation is IThrowOperation
        || (operation is IInvocationOperation { TargetMethod: { Name: "Throw" } method }
            && method.ContainingType.Name == "ExceptionDispatchInfo"));

    /// <summary>
    /// True where the clause leaves a note that later code reads: it sets something, collects something, or returns a value.
    /// </summary>
    public bool LeavesNote =>
        _leavesNote ??= Own(_clause.Handler).Any(operation => operation is IReturnOperation { ReturnedValue: not null } && ReturnsResult)
            || new CaughtNote(_clause, _method, _code, call => IsQuiet(call, steps: 0)).IsRead(Own(_clause.Handler));

    /// <summary>
    /// The calls of the clause that may do something about the failure: all but logging, counting, collecting, waiting and undoing.
    /// </summary>
    public IEnumerable<IInvocationOperation> Remedies => Own(_clause.Handler).OfType<IInvocationOperation>()
        .Where(call => !IsQuiet(call, steps: 0) && !QuietCalls.IsUndoing(call) && !CaughtNote.Collects(call) && !CaughtNote.Counts(call)
            && !AsksForCancellation(call));

    /// <summary>True where the clause undoes what was begun.</summary>
    public bool Undoes => Own(_clause.Handler).OfType<IInvocationOperation>().Any(QuietCalls.IsUndoing);

    /// <summary>
    /// True where the clause throws first of all where the token was cancelled: what stands behind that is not for cancellation.
    /// </summary>
    public bool LetsCancellationPass
    {
        get
        {
            IInvocationOperation? first = Own(_clause.Handler).OfType<IInvocationOperation>()
                .FirstOrDefault(call => !IsQuiet(call, steps: 0));
            return first is not null && AsksForCancellation(first) && IsStatementOfClause(first);
        }
    }

    /// <summary>True where the calls around the clause end as if nothing had failed: it is no retry, and no later code decides.</summary>
    public bool EndsAsDone
    {
        get
        {
            ControlFlowAnalysis? flow = _model.AnalyzeControlFlow(_syntax.Block);
            if (flow is not { Succeeded: true } || (!flow.EndPointIsReachable && flow.ReturnStatements.IsEmpty && flow.ExitPoints.IsEmpty))
            {
                return false;
            }

            if (!flow.ReturnStatements.IsEmpty)
            {
                return !ReturnsResult;
            }

            if (flow.ExitPoints.Any(exit => exit is not (BreakStatementSyntax or ContinueStatementSyntax)))
            {
                return false;
            }

            bool breaks = flow.ExitPoints.Any(exit => exit is BreakStatementSyntax);
            return FollowOutward((TryStatementSyntax)_syntax.Parent!, breaks);
        }
    }

    private bool ReturnsResult => !_function.ReturnsVoid && !_function.ReturnType.IsTaskWithoutResult();

    private bool FollowOutward(StatementSyntax from, bool breaks)
    {
        ControlFlowAnalysis? body = _model.AnalyzeControlFlow(((TryStatementSyntax)_syntax.Parent!).Block);
        bool onlyFailuresPass = body is { Succeeded: true, EndPointIsReachable: false };
        bool successLeavesLoop = body is { Succeeded: true } && body.ExitPoints.Any(exit => exit is not ReturnStatementSyntax);
        HashSet<ISymbol> set = [.. Own(_attempt.Body).Select(Written).OfType<ISymbol>()];
        for (SyntaxNode node = from; node.Parent is { } parent; node = parent)
        {
            switch (parent)
            {
                case BlockSyntax or SwitchSectionSyntax when !breaks:
                    SyntaxList<StatementSyntax> statements = parent is BlockSyntax block
                        ? block.Statements
                        : ((SwitchSectionSyntax)parent).Statements;
                    foreach (StatementSyntax next in statements.SkipWhile(statement => statement != node).Skip(1))
                    {
                        if (Decides(next, set, onlyFailuresPass))
                        {
                            return false;
                        }
                    }

                    break;
                case CommonForEachStatementSyntax:
                    breaks = false;
                    onlyFailuresPass &= !successLeavesLoop;
                    break;
                case WhileStatementSyntax or DoStatementSyntax or ForStatementSyntax:
                    ExpressionSyntax? condition = parent switch
                    {
                        WhileStatementSyntax loop => loop.Condition,
                        DoStatementSyntax loop => loop.Condition,
                        _ => ((ForStatementSyntax)parent).Condition,
                    };
                    // a loop without an end goes on until the work is done; so does one that the work itself ends
                    if (!breaks && (condition is null || condition.IsKind(SyntaxKind.TrueLiteralExpression) || Reads(condition, set)
                        || RunsUntilStopped(condition)))
                    {
                        return false;
                    }

                    breaks = false;
                    onlyFailuresPass &= !successLeavesLoop;
                    break;
                case SwitchStatementSyntax:
                    breaks = false;
                    onlyFailuresPass &= !successLeavesLoop;
                    break;
                case CatchClauseSyntax or FinallyClauseSyntax:
                    // what a failure inside the handling of another one means is the outer one's matter
                    return false;
                case BaseMethodDeclarationSyntax or LocalFunctionStatementSyntax or AnonymousFunctionExpressionSyntax
                    or AccessorDeclarationSyntax:
                    return !ReturnsResult;
            }
        }

        return false;
    }

    /// <summary>
    /// True for <c>while (!token.IsCancellationRequested)</c> around a clause that passes a token on: what it calls throws on a stop, so no
    /// way leads from the clause to the loop's end.
    /// </summary>
    private bool RunsUntilStopped(ExpressionSyntax condition) =>
        condition is PrefixUnaryExpressionSyntax
        {
            RawKind: (int)SyntaxKind.LogicalNotExpression,
            Operand: MemberAccessExpressionSyntax { Name.Identifier.ValueText: "IsCancellationRequested" }
        }
        && Own(_clause.Handler).OfType<IInvocationOperation>().Any(call => OwnTimeOut.Tokens(call).Any());

    /// <summary>True where a statement after the try tells a failure from success.</summary>
    private bool Decides(StatementSyntax statement, HashSet<ISymbol> set, bool onlyFailuresPass)
    {
        if (statement is LocalFunctionStatementSyntax)
        {
            return false;
        }

        ControlFlowAnalysis? flow = _model.AnalyzeControlFlow(statement);
        if (flow is { Succeeded: true, EndPointIsReachable: false } && flow.ReturnStatements.IsEmpty && flow.ExitPoints.IsEmpty)
        {
            return true;
        }

        IOperation? operation = _model.GetOperation(statement, _cancellationToken);
        if (operation is null)
        {
            return false;
        }

        bool asks = (statement is IfStatementSyntax choice && Reads(choice.Condition, set)) || FallsBack(operation, set);
        return (asks || onlyFailuresPass) && Own(operation).Any(inner => inner switch
        {
            IInvocationOperation call => !IsQuiet(call, steps: 0),
            IAssignmentOperation { Target: not IDiscardOperation } => true,
            IThrowOperation => asks,
            IReturnOperation { ReturnedValue: not null } => ReturnsResult,
            _ => false,
        });
    }

    /// <summary>
    /// True where something else takes the place of what the try should have made: <c>found ??= ...</c>, <c>found ?? ...</c>.
    /// </summary>
    private static bool FallsBack(IOperation operation, HashSet<ISymbol> set) => set.Count > 0 && Own(operation).Any(inner => inner switch
    {
        ICoalesceAssignmentOperation { Target: { } target } => IsOneOf(target, set),
        ICoalesceOperation { Value: { } value } => IsOneOf(value, set),
        _ => false,
    });

    private static bool IsOneOf(IOperation operation, HashSet<ISymbol> set) => operation.Unwrapped() switch
    {
        ILocalReferenceOperation local => set.Contains(local.Local),
        IMemberReferenceOperation member => set.Contains(member.Member),
        _ => false,
    };

    private bool Reads(ExpressionSyntax condition, HashSet<ISymbol> set) =>
        set.Count > 0 && condition.DescendantNodesAndSelf().OfType<IdentifierNameSyntax>()
            .Any(name => _model.GetSymbolInfo(name, _cancellationToken).Symbol is { } symbol && set.Contains(symbol));

    private static ISymbol? Written(IOperation operation) => operation switch
    {
        IAssignmentOperation { Target: ILocalReferenceOperation local } => local.Local,
        IAssignmentOperation { Target: IMemberReferenceOperation member } => member.Member,
        IIncrementOrDecrementOperation { Target: ILocalReferenceOperation local } => local.Local,
        _ => null,
    };

    /// <summary>The operations without those of lambdas and local functions, which run elsewhere.</summary>
    private static IEnumerable<IOperation> Own(IOperation operation)
    {
        yield return operation;
        if (operation is IAnonymousFunctionOperation or ILocalFunctionOperation)
        {
            yield break;
        }

        foreach (IOperation child in operation.ChildOperations)
        {
            foreach (IOperation inner in Own(child))
            {
                yield return inner;
            }
        }
    }

    private static bool AsksForCancellation(IInvocationOperation call) =>
        call.TargetMethod.Name == "ThrowIfCancellationRequested" && call.TargetMethod.ContainingType.IsCancellationToken();

    private bool IsStatementOfClause(IInvocationOperation call) =>
        call.Parent is IExpressionStatementOperation { Parent: IBlockOperation block } && block == _clause.Handler;

    private bool IsQuiet(IInvocationOperation call, int steps)
    {
        if (QuietCalls.IsQuiet(call))
        {
            return true;
        }

        // a method of the user's that only logs
        return steps < 3
            && _code.Target(call, _cancellationToken) is { } target
            && Own(target.Body).All(operation => operation switch
            {
                IInvocationOperation inner => IsQuiet(inner, steps + 1) || CaughtNote.Counts(inner),
                ISimpleAssignmentOperation { Target: IMemberReferenceOperation } or IThrowOperation => false,
                _ => true,
            });
    }
}
