using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>
/// Tokens of a source that the method made itself and linked to no other: their cancellation is a time-out, never a stop.
/// </summary>
internal static class OwnTimeOut
{
    /// <summary>True where all tokens that the <c>try</c> of a clause passes on are such ones, and there is one.</summary>
    public static bool IsAllOf(ICatchClauseOperation clause)
    {
        bool any = false;
        foreach (IOperation operation in ((ITryOperation)clause.Parent!).Body.Descendants())
        {
            if (operation is IInvocationOperation { TargetMethod.Name: "ThrowIfCancellationRequested", Instance: { } asked }
                && !IsOwn(asked))
            {
                return false;
            }

            foreach (IOperation token in operation is IInvocationOperation call ? Tokens(call) : [])
            {
                if (!IsOwn(token))
                {
                    return false;
                }

                any = true;
            }
        }

        return any;
    }

    /// <summary>True where all tokens that a call is given are such ones.</summary>
    public static bool Passes(IInvocationOperation call) => Tokens(call).All(IsOwn);

    /// <summary>The tokens that a call is given, without CancellationToken.None.</summary>
    public static IEnumerable<IOperation> Tokens(IInvocationOperation call) => call.Arguments
        .Where(argument => argument.ArgumentKind == ArgumentKind.Explicit && argument.Value.Type.IsCancellationToken())
        .Select(argument => argument.Value.Unwrapped())
        .Where(value => value is ILocalReferenceOperation or IParameterReferenceOperation or IMemberReferenceOperation
            and not IPropertyReferenceOperation { Property: { Name: "None", IsStatic: true } });

    private static bool IsOwn(IOperation token) => token.Unwrapped() switch
    {
        IPropertyReferenceOperation { Property.Name: "Token", Instance: { } source } => IsOwnSource(source.Unwrapped()),
        ILocalReferenceOperation local => local.InitialValue() is { } initial && IsOwn(initial),
        _ => false,
    };

    private static bool IsOwnSource(IOperation source) => source is ILocalReferenceOperation local
        && local.InitialValue()?.Unwrapped() is IObjectCreationOperation creation
        && creation.Type.Is("System.Threading", "CancellationTokenSource");
}
