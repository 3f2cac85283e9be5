using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace FastConsumer.LoadTest.Read;

/// <summary>
/// What telemetry costs a record: a worker without any call of it, one to which nobody listens, and one with a meter listener, in turn
/// against one replay server, each run in a process of its own.
/// </summary>
internal static class TelemetryCostCommand
{
    public static Command Create()
    {
        var perAnswer = new Option<int>("--records-per-answer")
        {
            Description = "Records of an answer. Telemetry costs by the answer.",
            DefaultValueFactory = static _ => 10_000,
        };
        (Option<long> records, Option<int> size, Option<int> pairs) = ReadTurns.CreateOptions();
        var json = new Option<bool>("--json") { Description = "One line of JSON." };
        var command = new Command("telemetry-cost", "What telemetry costs: none, with nobody who listens, and with a meter listener.")
        {
            perAnswer, records, size, pairs, json,
        };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var settings = new ReadSettings(
                ReadClient.Fast,
                IsCbor: true,
                arguments.GetValue(records),
                arguments.GetValue(size),
                Shards: 1,
                arguments.GetValue(perAnswer));
            TelemetryCostFigures figures = await RunAsync(settings, arguments.GetValue(pairs), cancellationToken);
            Console.WriteLine(arguments.GetValue(json)
                ? JsonSerializer.Serialize(figures, FiguresJson.Default.TelemetryCostFigures)
                : Text(figures));
            return 0;
        });
        return command;
    }

    private static async Task<TelemetryCostFigures> RunAsync(ReadSettings settings, int pairs, CancellationToken cancellationToken)
    {
        const int plain = 0;
        const int noListener = 1;
        const int listener = 2;
        ReadTurns turns = await ReadTurns.RunAsync(
            pairs,
            cancellationToken,
            new ReadWay("plain", settings with { Telemetry = ReadTelemetry.Plain }),
            new ReadWay("no listener", settings with { Telemetry = ReadTelemetry.NoListener }),
            new ReadWay("listener", settings with { Telemetry = ReadTelemetry.Listener }));
        return new TelemetryCostFigures
        {
            Pairs = pairs,
            RecordsPerAnswer = settings.PerAnswer,
            CpuPlain = Turns.Median(turns.Cpu(plain)),
            CpuNoListener = Turns.Median(turns.Cpu(noListener)),
            CpuListener = Turns.Median(turns.Cpu(listener)),
            NoListenerToPlain = PairedRatio.Of(turns.Cpu(noListener), turns.Cpu(plain)),
            ListenerToNoListener = PairedRatio.Of(turns.Cpu(listener), turns.Cpu(noListener)),
            BytesPerRecordPlain = turns.Bytes(plain),
            BytesPerRecord = turns.Bytes(noListener),
            BytesPerRecordListener = turns.Bytes(listener),
        };
    }

    private static string Text(TelemetryCostFigures figures) => string.Create(
        CultureInfo.InvariantCulture,
        $"CPU per record, {figures.Pairs} pairs, {figures.RecordsPerAnswer} records an answer: without telemetry {figures.CpuPlain:F4} us, "
            + $"no listener {figures.CpuNoListener:F4} us ({Text(figures.NoListenerToPlain)}), meter listener {figures.CpuListener:F4} us "
            + $"({Text(figures.ListenerToNoListener)}); {figures.BytesPerRecordPlain:F2}, {figures.BytesPerRecord:F2} and "
            + $"{figures.BytesPerRecordListener:F2} B per record");

    private static string Text(PairedRatio ratio) => string.Create(
        CultureInfo.InvariantCulture,
        $"{ratio.Median:F3} times, {ratio.Low:F3} to {ratio.High:F3}, pairs {ratio.Least:F3} to {ratio.Most:F3}");
}

/// <summary>Medians of runs in turn: CPU time per record in microseconds, bytes allocated per record, and the pairs' ratios.</summary>
internal sealed record TelemetryCostFigures
{
    public required int Pairs { get; init; }

    public required int RecordsPerAnswer { get; init; }

    /// <summary>Without any call of telemetry.</summary>
    public required double CpuPlain { get; init; }

    /// <summary>As usual, with nobody who listens.</summary>
    public required double CpuNoListener { get; init; }

    /// <summary>With a meter listener on all instruments.</summary>
    public required double CpuListener { get; init; }

    public required PairedRatio NoListenerToPlain { get; init; }

    public required PairedRatio ListenerToNoListener { get; init; }

    public required double BytesPerRecordPlain { get; init; }

    /// <summary>As usual, with nobody who listens.</summary>
    public required double BytesPerRecord { get; init; }

    public required double BytesPerRecordListener { get; init; }
}
