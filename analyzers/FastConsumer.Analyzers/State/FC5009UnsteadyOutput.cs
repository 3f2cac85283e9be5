using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.State;

/// <summary>
/// FC5009: what is added to an output is made of the time or of chance, and is another value where the record is handled again.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC5009UnsteadyOutput : HandlerAnalyzer
{
    // a local made of a local made of a local
    private const int MostSteps = 6;

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.UnsteadyOutput];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        if (!StateFacts.HasOutputs(code.Type))
        {
            return;
        }

        foreach (ReachedMethod method in code.FromRecords)
        {
            foreach (IInvocationOperation add in method.Of<IInvocationOperation>())
            {
                if (StateFacts.IsAdd(add) && add.Arguments.FirstOrDefault(IsValue) is { } argument)
                {
                    foreach (IOperation part in Parts(argument.Value))
                    {
                        Check(part, add, method, findings);
                    }
                }
            }
        }
    }

    private static bool IsValue(IArgumentOperation argument) =>
        argument.Parameter is { ContainingSymbol: IMethodSymbol method } parameter && parameter.Ordinal == method.Parameters.Length - 1;

    private static void Check(IOperation part, IInvocationOperation add, ReachedMethod method, Findings findings)
    {
        if (Source(part, method, steps: 0) is not { } source)
        {
            return;
        }

        string what = part is ILocalReferenceOperation local
            ? $"'{local.Local.Name}' is made of '{source.What}', which"
            : $"'{source.What}'";
        string output = (add.Instance?.Unwrapped() as IMemberReferenceOperation)?.Member.Name ?? "Output";
        findings.Report(
            Descriptors.UnsteadyOutput,
            part.Syntax.GetLocation(),
            $"{what} is another one each time: after a crash the record is handled again, and what is added to '{output}' would differ "
                + "from what the sink has. "
                + (source.IsTime
                    ? "Take a time of the record, such as ApproximateArrivalTimestamp."
                    : "Make it of the record: of an id in it, or of its position (SequenceNumber and SubSequenceNumber)."));
    }

    /// <summary>What a part of a value brings in that is another one each time; null for nothing.</summary>
    private static (string What, bool IsTime)? Source(IOperation part, ReachedMethod method, int steps) =>
        part is ILocalReferenceOperation local
            ? steps < MostSteps && !IsSetAgain(local.Local, method) && local.InitialValue() is { } initial
                ? Parts(initial).Select(inner => Source(inner, method, steps + 1)).FirstOrDefault(found => found is not null)
                : null
            : Known(part);

    private static (string What, bool IsTime)? Known(IOperation part)
    {
        ISymbol? member = part switch
        {
            IPropertyReferenceOperation reference => reference.Property,
            IInvocationOperation call => call.TargetMethod,
            IMethodReferenceOperation reference => reference.Method,
            _ => null,
        };
        return member is not null
            ? IsTime(member, member.ContainingType) is { } isTime ? ($"{member.ContainingType.Name}.{member.Name}", isTime) : null
            : part is IObjectCreationOperation { Arguments.Length: 0 } creation && creation.Type.Is("System", "Random")
                ? ("new Random()", false)
                : null;
    }

    /// <summary>True for a time, false for chance, null for neither.</summary>
    private static bool? IsTime(ISymbol member, INamedTypeSymbol type) => type.Name switch
    {
        "DateTime" when type.Is("System", "DateTime") => member.Name is "Now" or "UtcNow" or "Today" ? true : null,
        "DateTimeOffset" when type.Is("System", "DateTimeOffset") => member.Name is "Now" or "UtcNow" ? true : null,
        "Environment" when type.Is("System", "Environment") => member.Name is "TickCount" or "TickCount64" ? true : null,
        "Stopwatch" when type.Is("System.Diagnostics", "Stopwatch") =>
            member.Name is "GetTimestamp" or "GetElapsedTime" or "Elapsed" or "ElapsedMilliseconds" or "ElapsedTicks" ? true : null,
        "Guid" when type.Is("System", "Guid") => member.Name is "NewGuid" or "CreateVersion7" ? false : null,
        "Random" when type.Is("System", "Random") => member is { Name: "Shared", IsStatic: true } ? false : null,
        "RandomNumberGenerator" when type.Is("System.Security.Cryptography", "RandomNumberGenerator") =>
            member.IsStatic ? false : null,
        _ when member.Name is "GetUtcNow" or "GetLocalNow" or "GetTimestamp" or "GetElapsedTime" =>
            type.DerivesFrom("System", "TimeProvider") ? true : null,
        _ => null,
    };

    /// <summary>
    /// What a value is made of. What a call that is awaited makes of its arguments is not known, and most often it is what was stored.
    /// </summary>
    private static IEnumerable<IOperation> Parts(IOperation value)
    {
        var left = new Stack<IOperation>([value]);
        while (left.Count > 0)
        {
            IOperation part = left.Pop();
            yield return part;
            if (part is not (IAwaitOperation or INameOfOperation) && Known(part) is null)
            {
                foreach (IOperation inner in part.ChildOperations)
                {
                    left.Push(inner);
                }
            }
        }
    }

    private static bool IsSetAgain(ILocalSymbol local, ReachedMethod method)
    {
        return method.Operations.Any(operation => operation switch
        {
            ISimpleAssignmentOperation assignment => IsLocal(assignment.Target) && !assignment.Value.DescendantsAndSelf().Any(IsLocal),
            IArgumentOperation { Parameter.RefKind: RefKind.Out } argument => IsLocal(argument.Value),
            _ => false,
        });

        bool IsLocal(IOperation operation) =>
            operation is ILocalReferenceOperation reference && SymbolEqualityComparer.Default.Equals(reference.Local, local);
    }
}
