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
        var records = new Option<long>("--records")
        {
            Description = "How many records a run reads, after a warm-up.",
            DefaultValueFactory = static _ => 4_000_000,
        };
        var size = new Option<int>("--size") { Description = "Bytes of data in a record.", DefaultValueFactory = static _ => 1024 };
        var pairs = new Option<int>("--pairs")
        {
            Description = "How often each of the three has its turn, 1 or more.",
            DefaultValueFactory = static _ => 20,
        };
        pairs.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError("--pairs must be 1 or more.");
            }
        });
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
        await using OwnProcess server = ReadCommand.StartServer(settings);
        string url = await server.ReadLineAsync(cancellationToken);
        var runs = Enum.GetValues<ReadTelemetry>().ToDictionary(static telemetry => telemetry, static _ => new List<ReadFigures>());
        for (int pair = 0; pair < pairs; pair++)
        {
            foreach (ReadTelemetry telemetry in Order(pair))
            {
                await using OwnProcess process = OwnProcess.Start(
                    ReadCommand.Arguments(settings with { Telemetry = telemetry }, url));
                string line = await process.ReadLineAsync(cancellationToken);
                runs[telemetry].Add(JsonSerializer.Deserialize(line, FiguresJson.Default.ReadFigures)!);
            }

            await Console.Error.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"pair {pair + 1} of {pairs}: plain {Last(ReadTelemetry.Plain):F4} us, no listener {Last(ReadTelemetry.NoListener):F4} us, "
                    + $"listener {Last(ReadTelemetry.Listener):F4} us"));
        }

        return new TelemetryCostFigures
        {
            Pairs = pairs,
            RecordsPerAnswer = settings.PerAnswer,
            CpuPlain = Turns.Median(Cpu(ReadTelemetry.Plain)),
            CpuNoListener = Turns.Median(Cpu(ReadTelemetry.NoListener)),
            CpuListener = Turns.Median(Cpu(ReadTelemetry.Listener)),
            NoListenerToPlain = PairedRatio.Of(Cpu(ReadTelemetry.NoListener), Cpu(ReadTelemetry.Plain)),
            ListenerToNoListener = PairedRatio.Of(Cpu(ReadTelemetry.Listener), Cpu(ReadTelemetry.NoListener)),
            BytesPerRecordPlain = Bytes(ReadTelemetry.Plain),
            BytesPerRecord = Bytes(ReadTelemetry.NoListener),
            BytesPerRecordListener = Bytes(ReadTelemetry.Listener),
        };

        double Last(ReadTelemetry telemetry) => runs[telemetry][^1].CpuMicrosecondsPerRecord;

        IEnumerable<double> Cpu(ReadTelemetry telemetry) => runs[telemetry].Select(static run => run.CpuMicrosecondsPerRecord);

        double Bytes(ReadTelemetry telemetry) => Turns.Median(runs[telemetry].Select(static run => run.AllocatedBytesPerRecord));
    }

    /// <summary>All six orders have their turn, so that none of the three has a place of its own.</summary>
    private static IEnumerable<ReadTelemetry> Order(int pair)
    {
        IEnumerable<ReadTelemetry> turned = Enum.GetValues<ReadTelemetry>().Select((_, i) => (ReadTelemetry)((pair + i) % 3));
        return pair % 2 == 0 ? turned : turned.Reverse();
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
