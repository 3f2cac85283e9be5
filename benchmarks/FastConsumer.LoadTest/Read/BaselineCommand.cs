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

        double[] ratios = [.. current.Zip(baseline, static (now, before) => now / before).Order()];
        int low = IntervalRank(pairs);
        return new BaselineFigures(
            pairs,
            Turns.Median(current),
            Turns.Median(baseline),
            Turns.Median(ratios),
            ratios[low],
            ratios[pairs - 1 - low],
            [.. ratios.Select(static ratio => Math.Round(ratio, 3))]);
    }

    /// <summary>
    /// The rank of the lower end of a 95 % interval of the median, from 0: the largest k so that at most k of n coins show heads with a
    /// probability of 2.5 % at most. It assumes nothing of how the ratios are distributed.
    /// </summary>
    private static int IntervalRank(int n)
    {
        double probability = Math.Pow(0.5, n);
        double sum = probability;
        int rank = 0;
        while (rank < (n - 1) / 2)
        {
            probability *= (n - rank) / (rank + 1.0);
            if (sum + probability > 0.025)
            {
                break;
            }

            sum += probability;
            rank++;
        }

        return rank;
    }
}

/// <summary>
/// CPU time per record in microseconds: medians, the median of the pairs' ratios (this / baseline), and its 95 % interval.
/// </summary>
internal sealed record BaselineFigures(
    int Pairs, double Current, double Baseline, double Ratio, double RatioLow, double RatioHigh, IReadOnlyList<double> Ratios);
