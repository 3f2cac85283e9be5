using System.Text.Json;

namespace FastConsumer.LoadTest.Read;

/// <summary>This build's client and that of another commit, in turn, against one replay server: what a change costs per record.</summary>
internal static class BaselineCommand
{
    /// <summary>Runs the pairs. Which one of a pair comes first changes from pair to pair.</summary>
    public static async Task<BaselineFigures> RunAsync(
        ReadSettings settings, string directory, int pairs, CancellationToken cancellationToken)
    {
        await using OwnProcess server = ReadCommand.StartServer(settings);
        string url = await server.ReadLineAsync(cancellationToken);
        string[] arguments = ReadCommand.Arguments(settings, url);
        List<double> current = [];
        List<double> baseline = [];
        for (int pair = 0; pair < pairs; pair++)
        {
            foreach (bool isBaseline in pair % 2 == 0 ? [true, false] : new[] { false, true })
            {
                await using OwnProcess process = OwnProcess.StartFrom(isBaseline ? directory : AppContext.BaseDirectory, arguments);
                string line = await process.ReadLineAsync(cancellationToken);
                ReadFigures figures = JsonSerializer.Deserialize(line, FiguresJson.Default.ReadFigures)!;
                (isBaseline ? baseline : current).Add(figures.CpuMicrosecondsPerRecord);
            }

            await Console.Error.WriteLineAsync($"pair {pair + 1} of {pairs}: {current[^1] / baseline[^1]:F3}");
        }

        var ratio = PairedRatio.Of(current, baseline);
        return new BaselineFigures(
            pairs,
            Turns.Median(current),
            Turns.Median(baseline),
            ratio.Median,
            ratio.Low,
            ratio.High,
            [.. current.Zip(baseline, static (now, before) => Math.Round(now / before, 3)).Order()]);
    }
}

/// <summary>
/// CPU time per record in microseconds: medians, the median of the pairs' ratios (this / baseline), and its 95 % interval.
/// </summary>
internal sealed record BaselineFigures(
    int Pairs, double Current, double Baseline, double Ratio, double RatioLow, double RatioHigh, IReadOnlyList<double> Ratios);
