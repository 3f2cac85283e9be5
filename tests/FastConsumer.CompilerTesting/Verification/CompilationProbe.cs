using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastConsumer.CompilerTesting.Verification;

/// <summary>Notes the compilations that the analyzers beside it are given: copies of the one that the test made.</summary>
#pragma warning disable RS1001, RS1025, RS1026, RS1036, RS1041 // a test's instrument; it must not run beside itself
internal sealed class CompilationProbe : DiagnosticAnalyzer
{
    private readonly ConcurrentDictionary<Compilation, bool> _compilations = new(ReferenceEqualityComparer.Instance);

    public IEnumerable<Compilation> Compilations => _compilations.Keys;

    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Rules.All[0]];

    public override void Initialize(AnalysisContext context) =>
        context.RegisterSymbolAction(symbol => _compilations.TryAdd(symbol.Compilation, true), SymbolKind.NamedType);
}
#pragma warning restore RS1001, RS1025, RS1026, RS1036, RS1041
