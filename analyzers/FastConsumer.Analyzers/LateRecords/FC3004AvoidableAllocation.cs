using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.LateRecords;

/// <summary>FC3004: a copy per record where the bytes themselves would do.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC3004AvoidableAllocation : HandlerAnalyzer
{
    private static readonly string[] s_readers = ["Deserialize", "Parse", "TryParse"];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.AvoidableAllocation];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        foreach (ReachedMethod method in code.FromRecords)
        {
            foreach (IOperation operation in method.Operations)
            {
                if (Find(operation, method) is { } message)
                {
                    findings.Report(Descriptors.AvoidableAllocation, operation.Syntax.GetLocation(), message);
                }
            }

            if (method.IsHandler)
            {
                FindText(method, findings);
            }
        }
    }

    private static string? Find(IOperation operation, ReachedMethod method)
    {
        switch (operation)
        {
            case IInvocationOperation { TargetMethod.Name: "ToArray", Parent: IArgumentOperation argument } call
                when IsBytes(Receiver(call)?.Type) && TakesBytes(argument):
                return "ToArray() copies each record's bytes, and the method it is passed to takes memory or a span as well. "
                    + "Pass the bytes as they are.";

            // byte[] becomes a span, which nobody can keep
            case IInvocationOperation
            {
                TargetMethod.Name: "ToArray",
                Parent: IConversionOperation { Parent: IArgumentOperation argument }
            } call
                when IsBytes(Receiver(call)?.Type) && argument.Parameter?.Type is { Name: "ReadOnlySpan" } taken && IsBytes(taken):
                return "ToArray() copies each record's bytes, and the method it is passed to takes a span as well. "
                    + "Pass the bytes as they are.";

            // a stream has done with its memory when its task ends; of other methods nobody knows
            case IInvocationOperation
            {
                TargetMethod.Name: "ToArray",
                Parent: IConversionOperation { Parent: IArgumentOperation { Parent: IInvocationOperation write } argument }
            } call
                when IsBytes(Receiver(call)?.Type) && IsBytes(argument.Parameter?.Type)
                    && write.TargetMethod.ContainingType.DerivesFrom("System.IO", "Stream") && IsAwaited(write):
                return "ToArray() copies each record's bytes, and the stream takes memory. Pass the bytes as they are.";

            case IInvocationOperation { TargetMethod: { Name: "GetString" } target, Parent: IArgumentOperation argument } call
                when target.ContainingType.DerivesFrom("System.Text", "Encoding")
                    && call.Arguments.Length == 1
                    && IsBytes(call.Arguments[0].Value.Unwrapped().Type)
                    && IsReader(argument)
                    && TakesBytes(argument):
                return "This makes a string of each record only to read it; the reader takes UTF-8 bytes as well. "
                    + "Pass the bytes as they are.";

            case IPropertyReferenceOperation { Property: { Name: "PartitionKey" } property } reference
                when property.ContainingType.IsContract("KinesisRecord") && IsOnlyCompared(reference, method):
                return "PartitionKey makes a string at each call, here only to compare it. Compare the bytes: "
                    + "PartitionKeyUtf8.SequenceEqual(\"...\"u8).";

            default:
                return null;
        }
    }

    /// <summary>A handler that takes text only to hand it to a reader of UTF-8.</summary>
    private static void FindText(ReachedMethod method, Findings findings)
    {
        foreach (IParameterSymbol text in method.Method.Parameters.Where(
            parameter => parameter.Type.SpecialType == SpecialType.System_String && !parameter.IsService()))
        {
            IParameterReferenceOperation[] uses =
                [.. method.Of<IParameterReferenceOperation>()
                    .Where(reference => SymbolEqualityComparer.Default.Equals(reference.Parameter, text))];
            if (uses.Length == 1 && uses[0].Parent is IArgumentOperation argument && IsReader(argument) && TakesBytes(argument)
                && text.Place() is { } place)
            {
                findings.Report(
                    Descriptors.AvoidableAllocation,
                    place,
                    $"'{text.Name}' is a string made of each record, used only to read it. Take the payload's own type, "
                        + "or ReadOnlyMemory<byte>.");
            }
        }
    }

    private static IOperation? Receiver(IInvocationOperation call) => call.Instance ?? call.Arguments.FirstOrDefault()?.Value;

    private static bool IsAwaited(IInvocationOperation call) =>
        call.Parent is IAwaitOperation or IInvocationOperation { TargetMethod.Name: "ConfigureAwait", Parent: IAwaitOperation };

    private static bool IsBytes(ITypeSymbol? type) =>
        BorrowedFlow.IsBytes(type) && type!.OnlyTypeArgument()?.SpecialType == SpecialType.System_Byte;

    private static bool IsReader(IArgumentOperation argument) => argument.Parent is IInvocationOperation call
        && Array.IndexOf(s_readers, call.TargetMethod.Name) >= 0
        && call.TargetMethod.ContainingType.NamespaceName() is "System.Text.Json" or "System.Text.Json.Nodes";

    /// <summary>True where the called method has a form that takes bytes at this place, and all else as it is.</summary>
    private static bool TakesBytes(IArgumentOperation argument)
    {
        (IMethodSymbol? method, int place) = argument.Parent switch
        {
            IInvocationOperation call => (call.TargetMethod.OriginalDefinition, argument.Parameter?.Ordinal ?? -1),
            _ => (null, -1),
        };
        if (method is null || place < 0)
        {
            return false;
        }

        return method.ContainingType.GetMembers(method.Name).OfType<IMethodSymbol>().Any(candidate =>
            candidate.IsStatic == method.IsStatic
            && candidate.Arity == method.Arity
            && candidate.DeclaredAccessibility == Accessibility.Public
            && candidate.Parameters.Length >= method.Parameters.Length
            && candidate.Parameters.Skip(method.Parameters.Length).All(parameter => parameter.IsOptional)
            && IsBytes(candidate.Parameters[place].Type)
            && candidate.Parameters.Zip(
                method.Parameters,
                (left, right) => left.Ordinal == place || left.Type.ToDisplayString() == right.Type.ToDisplayString()).All(same => same)
            && candidate.ReturnType.ToDisplayString() == method.ReturnType.ToDisplayString());
    }

    /// <summary>True where the text is compared with constants, and nothing else is done with it.</summary>
    private static bool IsOnlyCompared(IOperation reference, ReachedMethod method)
    {
        switch (reference.Parent)
        {
            case IBinaryOperation { OperatorKind: BinaryOperatorKind.Equals or BinaryOperatorKind.NotEquals } comparison:
                return IsText(comparison.LeftOperand == reference ? comparison.RightOperand : comparison.LeftOperand);
            case IIsPatternOperation test:
                return IsTextPattern(test.Pattern);
            case ISwitchOperation choice when choice.Value == reference:
                return choice.Cases.SelectMany(part => part.Clauses).All(clause => clause switch
                {
                    ISingleValueCaseClauseOperation single => IsText(single.Value),
                    IPatternCaseClauseOperation pattern => IsTextPattern(pattern.Pattern),
                    _ => true,
                });
            case ISwitchExpressionOperation choice when choice.Value == reference:
                return choice.Arms.All(arm => arm.Pattern is IDiscardPatternOperation || IsTextPattern(arm.Pattern));
            case IInvocationOperation { TargetMethod: { Name: "Equals" } } call when call.Instance == reference:
                return call.Arguments.Length > 0 && IsText(call.Arguments[0].Value) && IsOrdinal(call);
            case IArgumentOperation
            {
                Parent: IInvocationOperation
                {
                    TargetMethod: { Name: "Equals", ContainingType.SpecialType: SpecialType.System_String }
                } call
            }:
                return call.Arguments.Any(other => other.Value != reference && IsText(other.Value)) && IsOrdinal(call);
            case IVariableInitializerOperation { Parent: IVariableDeclaratorOperation { Symbol: { } local } }:
                ILocalReferenceOperation[] uses = [
                    .. method.Of<ILocalReferenceOperation>().Where(use => SymbolEqualityComparer.Default.Equals(use.Local, local))];
                return uses.Length > 0 && uses.All(use => IsOnlyCompared(use, method));
            default:
                return false;
        }
    }

    private static bool IsText(IOperation value) => value.ConstantValue is { HasValue: true, Value: string };

    private static bool IsTextPattern(IPatternOperation pattern) => pattern switch
    {
        IConstantPatternOperation constant => IsText(constant.Value),
        INegatedPatternOperation negated => IsTextPattern(negated.Pattern),
        IBinaryPatternOperation both => IsTextPattern(both.LeftPattern) && IsTextPattern(both.RightPattern),
        IDiscardPatternOperation => true,
        _ => false,
    };

    // bytes compare as ordinal texts do
    private static bool IsOrdinal(IInvocationOperation call) =>
        call.Arguments.All(argument => argument.Value.Type is not { Name: "StringComparison" }
            || argument.Value.ConstantValue is { HasValue: true, Value: (int)StringComparison.Ordinal });
}
