using FastConsumer.Analyzers.Reach;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Settings;

/// <summary>Assignments to the options of a consumer.</summary>
internal static class SettingAssignment
{
    /// <summary>The option that the assignment at hand sets; null where it sets something else.</summary>
    public static IPropertySymbol? Setting(this OperationAnalysisContext context) =>
        context.Operation is ISimpleAssignmentOperation { Target: IPropertyReferenceOperation { Property: { } property } }
        && property.ContainingType.DerivesFrom("FastConsumer.Hosting", "ConsumerSettings")
            ? property
            : null;
}
