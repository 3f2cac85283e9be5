using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>What a primary constructor does with its parameters: members take them, or methods capture them.</summary>
internal static class PrimaryConstructor
{
    public static bool Keeps(
        IMethodSymbol constructor,
        IParameterSymbol parameter,
        ProcessorCode code,
        Func<ITypeSymbol?, bool> mayHold,
        CancellationToken cancellationToken)
    {
        if (constructor.DeclaringSyntaxReferences[0].GetSyntax(cancellationToken) is not TypeDeclarationSyntax)
        {
            return false;
        }

        foreach (ISymbol member in constructor.ContainingType.GetMembers())
        {
            IOperation? body = member switch
            {
                IFieldSymbol { IsImplicitlyDeclared: false } or IPropertySymbol => MethodBodies.Of(code.Compilation)
                    .Initializer(member, cancellationToken),
                IMethodSymbol { IsImplicitlyDeclared: false } method when !SymbolEqualityComparer.Default.Equals(
                    method, constructor) => code.BodyOf(method, cancellationToken),
                _ => null,
            };
            if (body?.DescendantsAndSelf().OfType<IParameterReferenceOperation>().Any(reference =>
                SymbolEqualityComparer.Default.Equals(reference.Parameter, parameter)
                    && (member is IMethodSymbol || IsCarried(reference, mayHold))) == true)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>True where the initializer's value is the parameter, or a part of it.</summary>
    private static bool IsCarried(IOperation reference, Func<ITypeSymbol?, bool> mayHold)
    {
        IOperation value = reference;
        while (value.Parent is IConversionOperation or IParenthesizedOperation or IMemberReferenceOperation or ITupleOperation
            || value.Parent is IInvocationOperation { TargetMethod.Name: "Slice" })
        {
            value = value.Parent;
        }

        return value.Parent is null or IFieldInitializerOperation or IPropertyInitializerOperation or IReturnOperation or IBlockOperation
            && mayHold(value.Type);
    }
}
