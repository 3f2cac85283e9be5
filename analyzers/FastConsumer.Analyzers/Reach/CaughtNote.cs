using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>
/// What a catch clause notes down: it sets something, or adds to a collection. That counts where somebody reads it afterwards, on
/// the way out of the handler, for more than a line of a log.
/// </summary>
internal sealed class CaughtNote(
    ICatchClauseOperation clause, ReachedMethod method, ProcessorCode code, Func<IInvocationOperation, bool> isQuiet)
{
    private static readonly string[] s_collecting =
        ["Add", "AddRange", "AddFirst", "AddLast", "Append", "Enqueue", "Insert", "Push", "TryAdd", "TryEnqueue", "AddOrUpdate",
            "GetOrAdd"];

    /// <summary>True for calls that add to a collection of the framework, or to a text.</summary>
    public static bool Collects(IInvocationOperation call) =>
        (call.Instance ?? call.Arguments.FirstOrDefault()?.Value) is not null
        && (WritesText(call)
            || (Array.IndexOf(s_collecting, call.TargetMethod.Name) >= 0
                && call.TargetMethod.ContainingType.NamespaceName().StartsWith("System.Collections", StringComparison.Ordinal)));

    private static bool WritesText(IInvocationOperation call) => call.Instance?.Type switch
    {
        { Name: "StringBuilder" } type =>
            type.Is("System.Text", "StringBuilder") && call.TargetMethod.Name.StartsWith("Append", StringComparison.Ordinal),
        { Name: "StringWriter" } type =>
            type.Is("System.IO", "StringWriter") && call.TargetMethod.Name.StartsWith("Write", StringComparison.Ordinal),
        _ => false,
    };

    /// <summary>True for calls that change the variable they are given: <c>Interlocked.Increment(ref _failures)</c>.</summary>
    public static bool Counts(IInvocationOperation call) =>
        call.TargetMethod.ContainingType.Name is "Interlocked" or "Volatile"
        && call.TargetMethod.ContainingType.NamespaceName() == "System.Threading";

    /// <summary>True where one of the clause's notes is read.</summary>
    public bool IsRead(IEnumerable<IOperation> own)
    {
        foreach (IOperation operation in own)
        {
            IOperation? target = operation switch
            {
                IAssignmentOperation { Target: not IDiscardOperation } assignment => assignment.Target,
                IIncrementOrDecrementOperation increment => increment.Target,
                IInvocationOperation call when Collects(call) => call.Instance ?? call.Arguments[0].Value,
                IInvocationOperation call when Counts(call) => call.Arguments.FirstOrDefault()?.Value,
                _ => null,
            };
            if (target is not null && IsRead(target))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsRead(IOperation target) => target switch
    {
        IDeclarationExpressionOperation => false,
        ITupleOperation tuple => tuple.Elements.Any(IsRead),
        _ => Variable(target) switch
        {
            IParameterReferenceOperation { Parameter: { RefKind: not RefKind.None } } => true,
            // the object is the caller's, who may look at it
            IParameterReferenceOperation { Parameter: { } parameter } => (!method.IsHandler && IsOwn(parameter))
                || IsReadInMethod(parameter, target),
            ILocalReferenceOperation { Local: { } local } => IsReadInMethod(local, target),
            IMemberReferenceOperation { Member: { } member } => IsReadInMethod(member, target) || IsReadByCaller(member, method.Method, []),
            _ => true,
        },
    };

    private bool IsOwn(IParameterSymbol parameter) => SymbolEqualityComparer.Default.Equals(parameter.ContainingSymbol, method.Method);

    /// <summary>What the note is about: of <c>metrics.Failures</c> the property, of <c>order.Status</c> the local order.</summary>
    private static IOperation? Variable(IOperation target)
    {
        IOperation variable = target.Unwrapped();
        switch (variable)
        {
            case IArrayElementReferenceOperation element:
                return Variable(element.ArrayReference);
            case IPropertyReferenceOperation { Property.IsIndexer: true, Instance: { } instance }:
                return Variable(instance);
            case IMemberReferenceOperation { Instance: { } instance } member when !instance.IsThis()
                && Variable(instance) is ILocalReferenceOperation or IParameterReferenceOperation && !member.Root().OutlivesCall():
                return Variable(instance);
            case IInvocationOperation { Instance: { } instance }:
                return Variable(instance);
            default:
                return variable;
        }
    }

    /// <summary>True where something behind the clause, or in a loop around it, reads the symbol.</summary>
    private bool IsReadInMethod(ISymbol symbol, IOperation target)
    {
        IOperation? loop = null;
        for (IOperation? parent = clause.Parent; parent is not null; parent = parent.Parent)
        {
            if (parent is IAnonymousFunctionOperation or ILocalFunctionOperation)
            {
                // of a variable outside, what reads it runs when it likes
                if (symbol is ILocalSymbol or IParameterSymbol
                    && !SymbolEqualityComparer.Default.Equals(symbol.ContainingSymbol, clause.EnclosingFunction()))
                {
                    loop = null;
                    return method.Operations.Any(
                        operation => Reads(operation, symbol) && !clause.Syntax.Span.Contains(operation.Syntax.Span));
                }

                break;
            }

            if (parent is ILoopOperation)
            {
                loop = parent;
            }
        }

        return method.Operations.Any(operation =>
            Reads(operation, symbol)
            && !clause.Syntax.Span.Contains(operation.Syntax.Span)
            && (operation.Syntax.SpanStart >= clause.Syntax.Span.End || loop?.Syntax.Span.Contains(operation.Syntax.Span) == true));
    }

    private bool IsReadByCaller(ISymbol member, IMethodSymbol callee, HashSet<IMethodSymbol> seen)
    {
        foreach (ReachedUse use in code.UsesOf(callee).Where(use => use.In.FromRecords && use.In != method))
        {
            if (use.In.Operations.Any(operation => Reads(operation, member) && operation.Syntax.SpanStart >= use.Operation.Syntax.SpanStart)
                || (seen.Add(use.In.Method) && IsReadByCaller(member, use.In.Method, seen)))
            {
                return true;
            }
        }

        return false;
    }

    private bool Reads(IOperation operation, ISymbol symbol)
    {
        ISymbol? referred = operation switch
        {
            ILocalReferenceOperation local => local.Local,
            IParameterReferenceOperation parameter => parameter.Parameter,
            IMemberReferenceOperation member => member.Member,
            _ => null,
        };
        if (!SymbolEqualityComparer.Default.Equals(referred, symbol))
        {
            return false;
        }

        IOperation used = operation;
        while (used.Parent is IConversionOperation or IParenthesizedOperation)
        {
            used = used.Parent;
        }

        return used.Parent switch
        {
            ISimpleAssignmentOperation assignment => assignment.Target != used,
            ICompoundAssignmentOperation assignment => assignment.Target != used,
            IIncrementOrDecrementOperation => used.Parent.Parent is not IExpressionStatementOperation,
            IInvocationOperation call
                when call.Instance == used => !Collects(call) && call.TargetMethod.Name != "Clear" && !IsInQuietCall(used),
            _ => !IsInQuietCall(used),
        };
    }

    /// <summary>True inside a statement that only logs or counts: what is only told decides nothing.</summary>
    private bool IsInQuietCall(IOperation operation)
    {
        IOperation? statement = operation;
        while (statement is not null and not IExpressionStatementOperation and not IBlockOperation and not IAnonymousFunctionOperation)
        {
            statement = statement.Parent;
        }

        IOperation? value = (statement as IExpressionStatementOperation)?.Operation.Unwrapped();
        value = value is IAwaitOperation await ? await.Operation.Unwrapped() : value;
        return value is IInvocationOperation call && (isQuiet(call) || Counts(call));
    }
}
