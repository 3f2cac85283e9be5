using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>Which exceptions a catch takes, as far as its type and its filter tell.</summary>
internal static class CatchFilter
{
    /// <summary>True where the clause takes every exception of the type, false where it takes none, null where it depends.</summary>
    public static bool? Takes(ICatchClauseOperation clause, ITypeSymbol thrown)
    {
        bool? byType = clause.IsGeneral() || thrown.DerivesFrom(clause.ExceptionType)
            ? true
            : clause.ExceptionType.DerivesFrom(thrown) ? null : false;
        return byType == false || clause.Filter is null ? byType : And(byType, Evaluate(clause.Filter, thrown));
    }

    /// <summary>True where the filter asks for something that neither the exception's type nor cancellation tells.</summary>
    public static bool IsOpaque(ICatchClauseOperation clause) =>
        clause.Filter is not null && Evaluate(clause.Filter, clause.ExceptionType) is null && !IsTypeTest(clause.Filter);

    /// <summary>True where the filter lets pass what comes of cancellation: it asks that no cancellation was requested.</summary>
    public static bool AsksForNoCancellation(ICatchClauseOperation clause) =>
        clause.Filter is not null && AsksForNoCancellation(clause.Filter);

    private static bool AsksForNoCancellation(IOperation filter) => filter.Unwrapped() switch
    {
        IUnaryOperation { OperatorKind: UnaryOperatorKind.Not } not => IsCancellationRequested(not.Operand),
        IBinaryOperation { OperatorKind: BinaryOperatorKind.ConditionalAnd } and => AsksForNoCancellation(and.LeftOperand)
            || AsksForNoCancellation(and.RightOperand),
        _ => false,
    };

    /// <summary>True for filters that only ask for types.</summary>
    private static bool IsTypeTest(IOperation filter) => filter.Unwrapped() switch
    {
        IIsTypeOperation => true,
        IIsPatternOperation test => IsTypePattern(test.Pattern),
        IUnaryOperation { OperatorKind: UnaryOperatorKind.Not } not => IsTypeTest(not.Operand),
        IBinaryOperation { OperatorKind: BinaryOperatorKind.ConditionalAnd or BinaryOperatorKind.ConditionalOr } both =>
            (IsTypeTest(both.LeftOperand) || AsksForNoCancellation(both.LeftOperand))
            && (IsTypeTest(both.RightOperand) || AsksForNoCancellation(both.RightOperand)),
        _ => false,
    };

    private static bool IsTypePattern(IPatternOperation pattern) => pattern switch
    {
        ITypePatternOperation => true,
        IDeclarationPatternOperation => true,
        INegatedPatternOperation negated => IsTypePattern(negated.Pattern),
        IBinaryPatternOperation both => IsTypePattern(both.LeftPattern) && IsTypePattern(both.RightPattern),
        _ => false,
    };

    // as it is where nothing was cancelled
    private static bool? Evaluate(IOperation filter, ITypeSymbol thrown) => filter.Unwrapped() switch
    {
        { ConstantValue: { HasValue: true, Value: bool value } } => value,
        IUnaryOperation { OperatorKind: UnaryOperatorKind.Not } not => !Evaluate(not.Operand, thrown),
        IBinaryOperation { OperatorKind: BinaryOperatorKind.ConditionalAnd } and => And(
            Evaluate(and.LeftOperand, thrown), Evaluate(and.RightOperand, thrown)),
        IBinaryOperation { OperatorKind: BinaryOperatorKind.ConditionalOr } or => !And(
            !Evaluate(or.LeftOperand, thrown), !Evaluate(or.RightOperand, thrown)),
        IIsTypeOperation test when IsException(test.ValueOperand) => Is(thrown, test.TypeOperand),
        IIsPatternOperation test when IsException(test.Value) => Matches(test.Pattern, thrown),
        { } operation when IsCancellationRequested(operation) => false,
        _ => null,
    };

    private static bool? Matches(IPatternOperation pattern, ITypeSymbol thrown) => pattern switch
    {
        ITypePatternOperation type => Is(thrown, type.MatchedType),
        IDeclarationPatternOperation { MatchedType: { } type } => Is(thrown, type),
        INegatedPatternOperation negated => !Matches(negated.Pattern, thrown),
        IBinaryPatternOperation { OperatorKind: BinaryOperatorKind.And } and => And(
            Matches(and.LeftPattern, thrown), Matches(and.RightPattern, thrown)),
        IBinaryPatternOperation { OperatorKind: BinaryOperatorKind.Or } or => !And(
            !Matches(or.LeftPattern, thrown), !Matches(or.RightPattern, thrown)),
        IRecursivePatternOperation { MatchedType: { } type } => Is(thrown, type) == false ? false : null,
        _ => null,
    };

    private static bool? Is(ITypeSymbol thrown, ITypeSymbol asked) =>
        thrown.DerivesFrom(asked) ? true : asked.DerivesFrom(thrown) ? null : false;

    private static bool? And(bool? left, bool? right) =>
        left == false || right == false ? false : left == true && right == true ? true : null;

    // the filter's only local of an exception type is what was caught
    private static bool IsException(IOperation value) =>
        value.Unwrapped() is ILocalReferenceOperation local && local.Local.Type.DerivesFrom("System", "Exception");

    private static bool IsCancellationRequested(IOperation operation) =>
        operation.Unwrapped() is IPropertyReferenceOperation { Property.Name: "IsCancellationRequested" };
}
