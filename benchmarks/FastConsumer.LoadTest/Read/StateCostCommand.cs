using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FastConsumer.LoadTest.Pipeline;

namespace FastConsumer.LoadTest.Read;

/// <summary>
/// What <c>[State]</c> costs a record: a processor without it, the same with a state that its handler never uses, and the same with a
/// state that its handler changes by key, in turn against one replay server, each run in a process of its own.
/// </summary>
internal static class StateCostCommand
{
    private const int PerAnswer = 10_000;
    private const int RoundsOfPipelines = 41;

    public static Command Create()
    {
        (Option<long> records, Option<int> size, Option<int> pairs) = ReadTurns.CreateOptions();
        var json = new Option<bool>("--json") { Description = "One line of JSON." };
        var pipelineOnly = new Option<bool>("--pipeline-only")
        {
            Description = "The pipelines alone, on records in memory: half a minute instead of many.",
        };
        var command = new Command("state-cost", "What [State] costs: none, one that is never used, and one that each record changes.")
        {
            records, size, pairs, pipelineOnly, json,
        };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            if (arguments.GetValue(pipelineOnly))
            {
                StateTurnsFigures alone = StateTurns.Run(arguments.GetValue(size), RoundsOfPipelines);
                Console.WriteLine(arguments.GetValue(json)
                    ? JsonSerializer.Serialize(alone, FiguresJson.Default.StateTurnsFigures)
                    : Text(alone));
                return 0;
            }

            var settings = new ReadSettings(
                ReadClient.Fast, IsCbor: true, arguments.GetValue(records), arguments.GetValue(size), Shards: 1, PerAnswer);
            StateCostFigures figures = await RunAsync(settings, arguments.GetValue(pairs), cancellationToken);
            Console.WriteLine(arguments.GetValue(json)
                ? JsonSerializer.Serialize(figures, FiguresJson.Default.StateCostFigures)
                : Table(figures));
            return 0;
        });
        return command;
    }

    private static async Task<StateCostFigures> RunAsync(ReadSettings settings, int pairs, CancellationToken cancellationToken)
    {
        const int off = 0;
        const int untouched = 1;
        const int keyed = 2;
        ReadTurns turns = await ReadTurns.RunAsync(
            pairs,
            cancellationToken,
            new ReadWay("off", settings with { State = ReadState.Off }),
            new ReadWay("untouched", settings with { State = ReadState.Untouched }),
            new ReadWay("keyed", settings with { State = ReadState.Keyed }));
        StateTurnsFigures alone = StateTurns.Run(settings.Size, RoundsOfPipelines);
        var ratio = PairedRatio.Of(turns.Cpu(untouched), turns.Cpu(off));
        var change = PairedDifference.Of(turns.Cpu(keyed), turns.Cpu(off));
        return new StateCostFigures
        {
            Pairs = pairs,
            Records = settings.Records,
            Size = settings.Size,
            CpuOff = Turns.Median(turns.Cpu(off)),
            CpuOn = Turns.Median(turns.Cpu(untouched)),
            CpuKeyed = Turns.Median(turns.Cpu(keyed)),
            Ratio = ratio.Median,
            RatioLow = ratio.Low,
            RatioHigh = ratio.High,
            KeyedNs = change.Median * 1000,
            KeyedNsLow = change.Low * 1000,
            KeyedNsHigh = change.High * 1000,
            PipelineOnNs = alone.Untouched.Median,
            PipelineKeyedNs = alone.Keyed.Median,
            PipelineKeyedBytes = alone.KeyedBytes,
            BytesPerRecordOff = turns.Bytes(off),
            BytesPerRecord = turns.Bytes(untouched),
            BytesPerRecordKeyed = turns.Bytes(keyed),
            CompilerSeconds = turns.MostCompilerSeconds,
        };
    }

    private static string Table(StateCostFigures figures) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        {figures.Pairs} pairs of {figures.Records} records of {figures.Size} B, per record
        {"",-27}  {"CPU",-9}  {"beside no [State]",-32}  {"allocated",9}  the pipeline alone
        {"no [State]",-27}  {figures.CpuOff:F4} us  {"",-32}  {figures.BytesPerRecordOff,7:F2} B
        {"[State] that is never used",-27}  {figures.CpuOn:F4} us  {Times(figures),-32}  {figures.BytesPerRecord,7:F2} B  {Alone(figures)}
        {"[State], Edit() each record",-27}  {figures.CpuKeyed:F4} us  {More(figures),-32}  {Changed(figures)}
        code was compiled for {figures.CompilerSeconds:F2} s at most in the measured part of a run
        """);

    private static string Alone(StateCostFigures figures) =>
        string.Create(CultureInfo.InvariantCulture, $"{figures.PipelineOnNs:F1} ns more");

    private static string Changed(StateCostFigures figures) => string.Create(
        CultureInfo.InvariantCulture,
        $"{figures.BytesPerRecordKeyed,7:F2} B  {figures.PipelineKeyedNs:F1} ns and {figures.PipelineKeyedBytes:F2} B more");

    private static string Text(StateTurnsFigures figures) => string.Create(
        CultureInfo.InvariantCulture,
        $"the pipeline alone, per record: [State] that is never used {Text(figures.Untouched)} more, Edit() each record "
            + $"{Text(figures.Keyed)} and {figures.KeyedBytes:F2} B more");

    private static string Text(PairedDifference difference) => string.Create(
        CultureInfo.InvariantCulture, $"{difference.Median:F1} ns ({difference.Low:F1} to {difference.High:F1})");

    private static string Times(StateCostFigures figures) => string.Create(
        CultureInfo.InvariantCulture, $"{figures.Ratio:F3} times ({figures.RatioLow:F3} to {figures.RatioHigh:F3})");

    private static string More(StateCostFigures figures) => string.Create(
        CultureInfo.InvariantCulture, $"{figures.KeyedNs:F1} ns more ({figures.KeyedNsLow:F1} to {figures.KeyedNsHigh:F1})");
}

/// <summary>
/// Medians of runs in turn: CPU time per record in microseconds, bytes allocated per record; and medians of the pairs' ratios and
/// differences, with the 95 % interval.
/// </summary>
internal sealed record StateCostFigures
{
    public required int Pairs { get; init; }

    public required long Records { get; init; }

    public required int Size { get; init; }

    /// <summary>Of a processor without state.</summary>
    public required double CpuOff { get; init; }

    /// <summary>With a state that is never used, and snapshots to a folder.</summary>
    public required double CpuOn { get; init; }

    /// <summary>With a state that each record changes, on 10,000 keys, and snapshots to a folder.</summary>
    public required double CpuKeyed { get; init; }

    /// <summary>The second over the first.</summary>
    public required double Ratio { get; init; }

    public required double RatioLow { get; init; }

    public required double RatioHigh { get; init; }

    /// <summary>The third less the first, in nanoseconds.</summary>
    public required double KeyedNs { get; init; }

    public required double KeyedNsLow { get; init; }

    public required double KeyedNsHigh { get; init; }

    /// <summary>What a state that is never used costs the pipeline alone, in nanoseconds.</summary>
    public required double PipelineOnNs { get; init; }

    /// <summary>What a state that each record changes costs the pipeline alone, in nanoseconds.</summary>
    public required double PipelineKeyedNs { get; init; }

    /// <summary>The bytes that such a change allocates, checkpoints left out.</summary>
    public required double PipelineKeyedBytes { get; init; }

    /// <summary>Of a processor without state.</summary>
    public required double BytesPerRecordOff { get; init; }

    /// <summary>With a state that is never used.</summary>
    public required double BytesPerRecord { get; init; }

    /// <summary>With a state that each record changes.</summary>
    public required double BytesPerRecordKeyed { get; init; }

    /// <summary>
    /// The longest that code was still compiled in the measured part of a run. Where it is much more than 0.1 s, the machine was too busy.
    /// </summary>
    public required double CompilerSeconds { get; init; }
}
