using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastConsumer.Analyzers.LostRecords;

/// <summary>FC2001: an exception can leave a handler, and no policy says what becomes of it.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC2001UnhandledException : HandlerAnalyzer
{
    /// <summary>
    /// The diagnostic's property with the exceptions, as code writes their types, separated by ';', derived ones first; '!' stands behind
    /// those that come back at every attempt.
    /// </summary>
    internal const string Exceptions = nameof(Exceptions);

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.UnhandledException];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        if (findings.Compilation.GetTypeByMetadataName(ErrorPolicies.AttributeMetadataName) is null)
        {
            return;
        }

        foreach (ReachedMethod handler in code.Handlers)
        {
            ErrorPolicy[] policies = [.. ErrorPolicies.Of(handler.Method)];
            ThrownException[] left =
                [.. code.ThrownBy(handler, findings.CancellationToken)
                    .Where(exception => !policies.Any(policy => policy.Takes(exception.Type)))];
            if (left.Length > 0 && handler.Method.Place() is { } place)
            {
                findings.Report(
                    Descriptors.UnhandledException,
                    place,
                    $"{Names(left)} can leave '{handler.Method.Name}', and no [OnError] says what becomes of it: "
                        + "the shard waits and retries the record for ever. Add a policy for it, or handle it.",
                    (Exceptions, left.All(exception => CanBeNamed(exception.Type, handler.Method.ContainingType, findings.Compilation))
                        ? string.Join(";", left.OrderByDescending(exception => Depth(exception.Type)).Select(InCode))
                        : null));
            }
        }
    }

    /// <summary>False for types that an attribute cannot name: with type parameters inside, or out of the class's sight.</summary>
    private static bool CanBeNamed(ITypeSymbol type, INamedTypeSymbol processor, Compilation compilation) =>
        compilation.IsSymbolAccessibleWithin(type, processor) && !type.IsFileLocal() && !HasTypeParameters(type);

    private static bool HasTypeParameters(ITypeSymbol type) => type is ITypeParameterSymbol
        || (type is INamedTypeSymbol named
            && (named.TypeArguments.Any(HasTypeParameters) || (named.ContainingType is { } outer && HasTypeParameters(outer))));

    private static string InCode(ThrownException exception) =>
        exception.Type.InCodeNotNull() + (PermanentExceptions.Contain(exception.Type) ? "!" : "");

    private static int Depth(ITypeSymbol type) => type.BaseType is { } next ? Depth(next) + 1 : 0;

    private static string Names(ThrownException[] exceptions) => string.Join(", ", exceptions.Select(
        exception => exception.Origin is null ? exception.Type.Name : $"{exception.Type.Name} (from {exception.Origin})"));
}
