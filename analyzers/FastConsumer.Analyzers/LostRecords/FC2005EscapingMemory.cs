using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastConsumer.Analyzers.LostRecords;

/// <summary>FC2005: a record's memory is borrowed for the call; what keeps it longer finds it returned.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC2005EscapingMemory : HandlerAnalyzer
{
    /// <summary>The diagnostic's property with the method that copies the reported value; none where no call there would do.</summary>
    internal const string Copy = nameof(Copy);

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.EscapingMemory];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        foreach (ReachedMethod handler in code.Handlers)
        {
            IParameterSymbol[] borrowed =
                [.. handler.Method.Parameters.Where(parameter => BorrowedFlow.CanBorrow(parameter.Type) && !parameter.IsService())];
            if (borrowed.Length == 0)
            {
                continue;
            }

            foreach (BorrowedEscape escape in BorrowedFlow.Escapes(code, handler, borrowed, findings.CancellationToken))
            {
                findings.Report(
                    Descriptors.EscapingMemory,
                    escape.Value.Syntax.GetLocation(),
                    $"{escape.Way}, but it is a view of memory that is returned when the handler's call ends. {Remedy(escape.Value.Type)}",
                    (Copy, escape.IsCaptured ? null : Copier(escape.Value.Type)));
            }
        }
    }

    private static string? Copier(ITypeSymbol? type) =>
        type.IsContract("KinesisRecord") ? "ToOwned"
        : BorrowedFlow.IsBytes(type) && !BorrowedFlow.CanBorrow(type!.OnlyTypeArgument()) ? "ToArray"
        : null;

    private static string Remedy(ITypeSymbol? type) => type switch
    {
        _ when type.IsContract("RecordBatch") => "Keep copies of its records: ToOwned() on each.",
        _ when Copier(type) is { } copier => $"Keep a copy: {copier}().",
        _ => "Copy what must live longer: ToOwned() on a record, ToArray() on its bytes.",
    };
}
