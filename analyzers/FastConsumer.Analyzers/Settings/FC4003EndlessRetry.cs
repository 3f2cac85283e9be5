using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Model;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastConsumer.Analyzers.Settings;

/// <summary>FC4003: a policy retries for ever what can never succeed, so that one bad record blocks its shard.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC4003EndlessRetry : HandlerAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.EndlessRetry];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        foreach (ReachedMethod handler in code.Handlers)
        {
            ErrorPolicy[] policies = [.. ErrorPolicies.Of(handler.Method)];
            if (!policies.Any(policy => policy.RetriesForEver))
            {
                continue;
            }

            IEnumerable<ITypeSymbol> permanent = policies.Select(policy => (ITypeSymbol)policy.Exception)
                .Concat(FromPayloads(code, findings, handler.Method))
                .Concat(code.ThrownBy(handler, findings.CancellationToken).Select(exception => exception.Type))
                .Where(PermanentExceptions.Contain);
            foreach (ITypeSymbol exception in permanent)
            {
                ErrorPolicy? policy = policies.FirstOrDefault(candidate => candidate.Takes(exception));
                if (policy is { RetriesForEver: true } && Place(policy, findings.CancellationToken) is { } place)
                {
                    findings.Report(
                        Descriptors.EndlessRetry,
                        place,
                        $"{exception.Name} comes back at every attempt, and this policy retries it for ever: one such record "
                            + $"blocks its shard. Set MaxAttempts with what follows in Then, or put [OnError(typeof({exception.Name}), "
                            + "ErrorAction.DeadLetter)] before it.");
                }
            }
        }
    }

    /// <summary>What a payload throws that cannot be read: the policies take it too.</summary>
    private static IEnumerable<ITypeSymbol> FromPayloads(ProcessorCode code, Findings findings, IMethodSymbol handler)
    {
        AttributeData? attribute = code.Type.FindAttribute("KinesisProcessorAttribute");
        HandlerShape? shape = attribute is null
            ? null
            : ProcessorShape.Read(code.Type, attribute, checksPayloads: false, findings.CancellationToken).Handlers
                .FirstOrDefault(candidate => SymbolEqualityComparer.Default.Equals(candidate.Method, handler));
        string? name = shape?.Payload.Kind switch
        {
            PayloadKind.Json => "System.Text.Json.JsonException",
            PayloadKind.Protobuf => "Google.Protobuf.InvalidProtocolBufferException",
            _ => null,
        };
        return name is not null && findings.Compilation.GetTypeByMetadataName(name) is { } type ? [type] : [];
    }

    private static Location? Place(ErrorPolicy policy, CancellationToken cancellationToken) =>
        policy.Attribute.ApplicationSyntaxReference?.GetSyntax(cancellationToken).GetLocation();
}
