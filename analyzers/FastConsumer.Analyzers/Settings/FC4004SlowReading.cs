using System.Collections.Immutable;
using System.Globalization;
using FastConsumer.Analyzers.Reach;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Settings;

/// <summary>
/// FC4004: an option that code sets to a constant is allowed, and makes every record late or keeps a shard from ever being caught up with.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC4004SlowReading : FastConsumerAnalyzer
{
    /// <summary>
    /// A shard takes 1,000 records a second and may be read by five calls a second, half of them where another application reads it too.
    /// With so many to a call it is read at more than twice its intake even then.
    /// </summary>
    private const int EnoughRecords = 1_000;

    /// <summary>A worker slows down by itself, to 1.2 s, where other applications poll the shard: nobody has to for their sake.</summary>
    private static readonly TimeSpan s_longIdle = TimeSpan.FromSeconds(1);

    /// <summary>Above, FC4001 has refused it.</summary>
    private static readonly TimeSpan s_longestIdle = TimeSpan.FromMinutes(4);

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.SlowReading];

    /// <inheritdoc/>
    protected override void Register(CompilationStartAnalysisContext context) =>
        context.RegisterOperationAction(Analyze, OperationKind.SimpleAssignment);

    private static void Analyze(OperationAnalysisContext context)
    {
        if (context.Setting() is not { } property)
        {
            return;
        }

        IOperation value = ((ISimpleAssignmentOperation)context.Operation).Value;
        string? message = property.Name switch
        {
            "Limit" when value.Unwrapped().ConstantValue is { HasValue: true, Value: int and > 0 and < EnoughRecords and var limit } =>
                $"Limit is {limit.ToString(CultureInfo.InvariantCulture)}: a shard is read by five calls a second at most, "
                + "fewer beside other applications, and takes 1,000 records a second. A worker that is behind may never catch up. "
                + "Leave it out (10,000 by default: a worker asks for as many as fit its pace), "
                + $"or set {EnoughRecords.ToString("N0", CultureInfo.InvariantCulture)} or more.",
            "IdlePollInterval" when TimeConstants.TryRead(value, out TimeSpan idle) && idle > s_longIdle && idle <= s_longestIdle =>
                $"IdlePollInterval is {idle.ToString("c", CultureInfo.InvariantCulture)}: by so much records are late "
                + "on a shard that is idle at times. Leave it out (400 ms by default, and beside other applications it rises by itself), "
                + "or set a second or less.",
            _ => null,
        };
        if (message is not null)
        {
            context.ReportDiagnostic(Diagnostic.Create(Descriptors.SlowReading, value.Syntax.GetLocation(), message));
        }
    }
}
