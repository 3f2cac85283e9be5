using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.State;

/// <summary>
/// FC5001: a plain field that handlers of a class with state accumulate in. Reported is only what is made of its own former value, and what
/// a handler then goes by: a cache, a buffer that is emptied, a counter for a log may be lost.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC5001PlainField : HandlerAnalyzer
{
    private static readonly string[] s_adders =
        ["Add", "AddFirst", "AddLast", "AddRange", "Enqueue", "Insert", "Push", "UnionWith"];

    private static readonly string[] s_adding = [.. s_adders, "AddOrUpdate", "TryAdd"];

    private static readonly string[] s_emptying =
        ["Clear", "Dequeue", "TryDequeue", "Pop", "TryPop", "RemoveAt", "RemoveRange", "RemoveFirst", "RemoveLast", "TryTake"];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.PlainField];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        if (!StateFacts.HasState(code.Type))
        {
            return;
        }

        foreach (ReachedMethod method in code.FromRecords)
        {
            if (method.Method.MethodKind is MethodKind.Constructor or MethodKind.StaticConstructor)
            {
                continue;
            }

            foreach (IOperation operation in method.Operations)
            {
                if (Accumulated(operation, method) is { } written && IsOfProcessor(written, code) && !IsEmptied(written.Member, code)
                    && IsGoneBy(written.Member, code))
                {
                    findings.Report(
                        Descriptors.PlainField,
                        written.Syntax.GetLocation(),
                        $"'{written.Member.Name}' is a plain field beside state: after a crash it begins anew, while the state goes on "
                            + "from its last checkpoint. Keep it in a [State] property.");
                }
            }
        }
    }

    /// <summary>The field or property that becomes something made of what it was; null for other operations.</summary>
    private static IMemberReferenceOperation? Accumulated(IOperation operation, ReachedMethod method)
    {
        switch (operation)
        {
            case IIncrementOrDecrementOperation increment:
                return Member(increment.Target) ?? Element(increment.Target);
            case ICompoundAssignmentOperation { Target.Type.TypeKind: not TypeKind.Delegate } compound:
                return Member(compound.Target) ?? Element(compound.Target);
            case ISimpleAssignmentOperation assignment when Member(assignment.Target) is { } member:
                return Reads(assignment.Value, member.Member) ? member : null;
            case ISimpleAssignmentOperation assignment when Element(assignment.Target) is { } member:
                return Reads(assignment.Value, member.Member) || IsMadeOfEntry(assignment.Value, member.Member, method) ? member : null;
            case IInvocationOperation { TargetMethod.Name: "AddOrUpdate" } call when Member(call.Instance) is { } member:
                return call.Arguments.Any(argument => UsesOldValue(argument.Value)) ? member : null;
            // what is added to a dictionary may have been loaded, and may be loaded again
            case IInvocationOperation call when Array.IndexOf(s_adders, call.TargetMethod.Name) >= 0 && Member(call.Instance) is { } member:
                return IsCollection(member.Type) && member.Type is { Name: not ("Dictionary" or "SortedDictionary" or "SortedList") }
                    && !IsForTelling(call)
                    ? member
                    : null;
            default:
                return null;
        }
    }

    private static IMemberReferenceOperation? Member(IOperation? operation) =>
        operation?.Unwrapped() is IMemberReferenceOperation { Member: IFieldSymbol or IPropertySymbol { IsIndexer: false } } member
            && member.Instance.IsThis()
            ? member
            : null;

    /// <summary>The collection whose element is meant.</summary>
    private static IMemberReferenceOperation? Element(IOperation operation) => operation.Unwrapped() switch
    {
        IPropertyReferenceOperation { Property.IsIndexer: true } element => Member(element.Instance),
        IArrayElementReferenceOperation element => Member(element.ArrayReference),
        _ => null,
    };

    private static bool Reads(IOperation value, ISymbol member) => value.DescendantsAndSelf().Any(operation =>
        operation is IMemberReferenceOperation reference && SymbolEqualityComparer.Default.Equals(reference.Member, member));

    /// <summary>
    /// True where the value is made of what TryGetValue found: <c>map[key] = found + 1</c>. The bare variable is what a cache has loaded.
    /// </summary>
    private static bool IsMadeOfEntry(IOperation value, ISymbol member, ReachedMethod method)
    {
        if (value.Unwrapped() is ILocalReferenceOperation)
        {
            return false;
        }

        ISymbol[] found =
        [
            .. method.Of<IInvocationOperation>()
                .Where(call => call.TargetMethod.Name == "TryGetValue" && Member(call.Instance) is { } map
                    && SymbolEqualityComparer.Default.Equals(map.Member, member))
                .SelectMany(call => call.Arguments.Where(argument => argument.Parameter?.RefKind == RefKind.Out))
                .Select(argument => Local(argument.Value))
                .OfType<ISymbol>(),
        ];
        return found.Length > 0 && value.DescendantsAndSelf().Any(operation =>
            operation is ILocalReferenceOperation local && found.Contains(local.Local, SymbolEqualityComparer.Default));
    }

    private static ISymbol? Local(IOperation value) => value switch
    {
        ILocalReferenceOperation local => local.Local,
        IDeclarationExpressionOperation { Expression: ILocalReferenceOperation declared } => declared.Local,
        _ => null,
    };

    /// <summary>True for a function whose second parameter, the value so far, is used.</summary>
    private static bool UsesOldValue(IOperation argument) =>
        argument.Unwrapped() is IDelegateCreationOperation
        {
            Target: IAnonymousFunctionOperation { Symbol.Parameters.Length: > 1 } function
        }
        && function.Body.Descendants().Any(operation =>
            operation is IParameterReferenceOperation reference
                && SymbolEqualityComparer.Default.Equals(reference.Parameter, function.Symbol.Parameters[1]));

    /// <summary>True for a set that says whether something was logged already.</summary>
    private static bool IsForTelling(IInvocationOperation call)
    {
        IOperation? parent = call.Parent;
        while (parent is IUnaryOperation or IConversionOperation or IParenthesizedOperation
            or IBinaryOperation { OperatorKind: BinaryOperatorKind.ConditionalAnd })
        {
            parent = parent.Parent;
        }

        return parent is IConditionalOperation conditional && conditional.Condition.DescendantsAndSelf().Contains(call)
            && conditional.WhenTrue.Descendants().OfType<IInvocationOperation>().Any(QuietCalls.IsTelling)
            && conditional.WhenTrue.Descendants().OfType<IInvocationOperation>().All(QuietCalls.IsQuiet);
    }

    /// <summary>True for fields of the processor and of its bases, and properties that are no more than a field.</summary>
    private static bool IsOfProcessor(IMemberReferenceOperation reference, ProcessorCode code)
    {
        ISymbol member = reference.Member;
        return !member.IsStatic
            && !StateFacts.IsKeyed(reference.Type)
            && code.Type.DerivesFrom(member.ContainingType)
            && (member is IFieldSymbol || member.ContainingType.GetMembers().OfType<IFieldSymbol>()
                .Any(field => SymbolEqualityComparer.Default.Equals(field.AssociatedSymbol, member)));
    }

    /// <summary>
    /// True where it is set to something else, or emptied, while records are handled: it holds what belongs to some of them.
    /// </summary>
    private static bool IsEmptied(ISymbol member, ProcessorCode code) => code.FromRecords.Any(method => method.Operations.Any(
        operation => operation switch
        {
            ISimpleAssignmentOperation assignment when Member(assignment.Target) is { } target => Is(target, member)
                && !Reads(assignment.Value, member),
            IInvocationOperation call when Array.IndexOf(s_emptying, call.TargetMethod.Name) >= 0 && Member(call.Instance) is { } target =>
                Is(target, member),
            IArgumentOperation { Parameter.RefKind: RefKind.Ref or RefKind.Out } argument when Member(argument.Value) is { } target =>
                Is(target, member),
            _ => false,
        }
        && method.Method.MethodKind is not (MethodKind.Constructor or MethodKind.StaticConstructor)));

    private static bool Is(IMemberReferenceOperation reference, ISymbol member) =>
        SymbolEqualityComparer.Default.Equals(reference.Member, member);

    /// <summary>True where a handler reads it for more than the next value, a log, or each n-th record.</summary>
    private static bool IsGoneBy(ISymbol member, ProcessorCode code) => code.FromRecords.Any(method => method.Operations.Any(
        operation => operation is IMemberReferenceOperation reference
            && SymbolEqualityComparer.Default.Equals(reference.Member, member)
            && IsUsed(reference, member)));

    private static bool IsUsed(IOperation reference, ISymbol member)
    {
        for (IOperation? outer = reference.Parent; outer is not null; outer = outer.Parent)
        {
            switch (outer)
            {
                case IIncrementOrDecrementOperation or ICompoundAssignmentOperation when outer.Parent is IExpressionStatementOperation:
                case ISimpleAssignmentOperation assignment when (Member(assignment.Target) ?? Element(assignment.Target)) is { } target
                    && SymbolEqualityComparer.Default.Equals(target.Member, member):
                case IBinaryOperation { OperatorKind: BinaryOperatorKind.Remainder }:
                case IInvocationOperation call when QuietCalls.IsTelling(call) || call.TargetMethod.ContainingType.Is("System", "Console")
                    || (Array.IndexOf(s_adding, call.TargetMethod.Name) >= 0 && call.Parent is IExpressionStatementOperation):
                    return false;
                case IBlockOperation or IConditionalOperation or ILoopOperation or IReturnOperation or IVariableDeclaratorOperation:
                    return true;
            }
        }

        return true;
    }

    private static bool IsCollection(ITypeSymbol? type) => type is INamedTypeSymbol named
        && named.NamespaceName() is "System.Collections.Generic" or "System.Collections.Concurrent" or "System.Collections";
}
