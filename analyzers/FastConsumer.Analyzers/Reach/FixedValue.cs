using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>
/// Values that a member is declared with and never changes: of <c>static readonly</c> fields, and of static properties without a setter.
/// </summary>
internal static class FixedValue
{
    public static IOperation? Of(IOperation reference)
    {
        ISymbol? member = reference switch
        {
            IFieldReferenceOperation { Field: { IsStatic: true, IsReadOnly: true } field } => field,
            IPropertyReferenceOperation { Property: { IsStatic: true, SetMethod: null, IsIndexer: false } property } => property,
            _ => null,
        };
        // a static constructor may set it to something else
        return member is null || reference.SemanticModel is not { } model
            || member.ContainingType.StaticConstructors.Any(constructor => !constructor.IsImplicitlyDeclared)
            ? null
            : MethodBodies.Of(model.Compilation).Initializer(member, CancellationToken.None);
    }
}
