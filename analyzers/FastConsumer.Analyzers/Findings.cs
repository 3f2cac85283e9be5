using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastConsumer.Analyzers;

/// <summary>The places that one rule has reported in a compilation: several processors may reach one method.</summary>
internal sealed class ReportedPlaces
{
    private readonly ConcurrentDictionary<Location, bool> _places = new();

    public bool Add(Location place) => _places.TryAdd(place, true);
}

/// <summary>Takes what a rule finds in one processor.</summary>
internal sealed class Findings(SymbolAnalysisContext context, ReportedPlaces places)
{
    public Compilation Compilation => context.Compilation;

    public CancellationToken CancellationToken => context.CancellationToken;

    public void Report(DiagnosticDescriptor rule, Location place, string message, params (string Key, string? Value)[] properties)
    {
        if (places.Add(place))
        {
            ImmutableDictionary<string, string?> all = properties.ToImmutableDictionary(
                property => property.Key, property => property.Value);
            context.ReportDiagnostic(Diagnostic.Create(rule, place, all, message));
        }
    }
}
