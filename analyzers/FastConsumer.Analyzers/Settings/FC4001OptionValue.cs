using System.Collections.Immutable;
using System.Globalization;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Settings;

/// <summary>FC4001 for options that code sets to a constant: what would be refused at start is refused at compile time.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC4001OptionValue : FastConsumerAnalyzer
{
    /// <summary>The diagnostic's property with the nearest value that is allowed, as code writes it.</summary>
    internal const string Nearest = nameof(Nearest);

    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);
    private static readonly TimeSpan s_tick = TimeSpan.FromTicks(1);

    private static readonly Dictionary<string, TimeRange> s_times = new()
    {
        ["IdlePollInterval"] = new(
            TimeSpan.FromMilliseconds(200),
            TimeSpan.FromMinutes(4),
            "00:00:00.2 (five calls a second) to 00:04:00 (an iterator expires after five minutes)"),
        ["LeaseDuration"] = new(TimeSpan.FromSeconds(1), TimeSpan.FromHours(1), "00:00:01 to 01:00:00"),
        ["CheckpointInterval"] = new(s_tick, s_day, "more than zero to 1.00:00:00"),
        ["HungCallAfter"] = new(s_tick, s_day, "more than zero to 1.00:00:00"),
        ["ShardSyncInterval"] = new(TimeSpan.FromSeconds(1), TimeSpan.MaxValue, "00:00:01 or more"),
        ["RetryInitialBackoff"] = new(s_tick, s_day, "more than zero to 1.00:00:00"),
        ["RetryMaxBackoff"] = new(s_tick, s_day, "more than zero to 1.00:00:00"),
        ["StopTimeout"] = new(
            TimeSpan.FromSeconds(3) + s_tick, s_day, "more than 00:00:03, which are kept for releasing leases, to 1.00:00:00"),
    };

    private static readonly Dictionary<string, NumberRange> s_numbers = new()
    {
        ["Limit"] = new(1, 10_000, "1 to 10,000 records (the service's limit)"),
        ["StreamWindowBytes"] = new(64 * 1024, 16 * 1024 * 1024, "65536 to 16777216 bytes"),
        ["CheckpointRecords"] = new(0, long.MaxValue, "0 (no bound) or more"),
        ["MaxHandlerThreads"] = new(1, 10_000, "1 to 10,000 threads"),
        ["PrefetchBytes"] = new(1, long.MaxValue, "more than 0 bytes"),
    };

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.Value];

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
        if (s_times.TryGetValue(property.Name, out TimeRange? times))
        {
            if (TimeConstants.MisreadText(value) is { } text)
            {
                Report(
                    context,
                    value,
                    $"{property.Name} is \"{text}\", which TimeSpan.Parse takes for something else, or not at all. "
                        + $"Write it as {Duration.Form}.",
                    nearest: null);
            }
            else if (TimeConstants.TryRead(value, out TimeSpan time) && (time < times.Least || time > times.Most))
            {
                TimeSpan nearest = time < times.Least ? InWholeUnits(times.Least) : times.Most;
                Report(
                    context,
                    value,
                    $"{property.Name} is {time.ToString("c", CultureInfo.InvariantCulture)}; allowed is {times.Allowed}.",
                    InCode(nearest));
            }
        }
        else if (s_numbers.TryGetValue(property.Name, out NumberRange? numbers)
            && value.Unwrapped().ConstantValue is { HasValue: true, Value: int or long } constant)
        {
            long number = Convert.ToInt64(constant.Value, CultureInfo.InvariantCulture);
            if (number < numbers.Least || number > numbers.Most)
            {
                long nearest = number < numbers.Least ? numbers.Least : numbers.Most;
                Report(
                    context,
                    value,
                    $"{property.Name} is {number.ToString(CultureInfo.InvariantCulture)}; allowed is {numbers.Allowed}.",
                    InCode(nearest));
            }
        }
    }

    private static void Report(OperationAnalysisContext context, IOperation value, string message, string? nearest) =>
        context.ReportDiagnostic(Diagnostic.Create(
            Descriptors.Value,
            value.Syntax.GetLocation(),
            ImmutableDictionary<string, string?>.Empty.Add(Nearest, nearest),
            message));

    private static string InCode(long number) => number < 10_000
        ? number.ToString(CultureInfo.InvariantCulture)
        : number.ToString("#,#", CultureInfo.InvariantCulture).Replace(',', '_');

    // what must be more than a bound gets the next whole second
    private static TimeSpan InWholeUnits(TimeSpan least) => least.Ticks % TimeSpan.TicksPerMillisecond == 0
        ? least
        : TimeSpan.FromSeconds(Math.Floor(least.TotalSeconds) + 1);

    private static string InCode(TimeSpan time) => time.Ticks % TimeSpan.TicksPerHour == 0
        ? Of("FromHours", time.Ticks / TimeSpan.TicksPerHour)
        : time.Ticks % TimeSpan.TicksPerMinute == 0 ? Of("FromMinutes", time.Ticks / TimeSpan.TicksPerMinute)
        : time.Ticks % TimeSpan.TicksPerSecond == 0 ? Of("FromSeconds", time.Ticks / TimeSpan.TicksPerSecond)
        : Of("FromMilliseconds", time.Ticks / TimeSpan.TicksPerMillisecond);

    private static string Of(string factory, long count) => $"TimeSpan.{factory}({count.ToString(CultureInfo.InvariantCulture)})";

    private sealed record TimeRange(TimeSpan Least, TimeSpan Most, string Allowed);

    private sealed record NumberRange(long Least, long Most, string Allowed);
}
