namespace FastConsumer.LoadTest.Read;

/// <summary>How one figure stands to another, taken in pairs of runs.</summary>
/// <param name="Median">The median of the pairs' ratios.</param>
/// <param name="Low">The lower end of a 95 % interval of the median.</param>
/// <param name="High">The upper end of it.</param>
/// <param name="Least">The least ratio of a pair.</param>
/// <param name="Most">The highest ratio of a pair.</param>
internal sealed record PairedRatio(double Median, double Low, double High, double Least, double Most)
{
    /// <summary>Of figures in the order of their pairs.</summary>
    public static PairedRatio Of(IEnumerable<double> over, IEnumerable<double> under)
    {
        double[] ratios = [.. over.Zip(under, static (a, b) => a / b).Order()];
        int low = PairedInterval.LowRank(ratios.Length);
        return new PairedRatio(Turns.Median(ratios), ratios[low], ratios[^(low + 1)], ratios[0], ratios[^1]);
    }
}

/// <summary>By how much one figure is more than another, taken in pairs of runs.</summary>
/// <param name="Median">The median of the pairs' differences.</param>
/// <param name="Low">The lower end of a 95 % interval of the median.</param>
/// <param name="High">The upper end of it.</param>
internal sealed record PairedDifference(double Median, double Low, double High)
{
    /// <summary>Of figures in the order of their pairs.</summary>
    public static PairedDifference Of(IEnumerable<double> from, IEnumerable<double> subtracted)
    {
        double[] differences = [.. from.Zip(subtracted, static (a, b) => a - b).Order()];
        int low = PairedInterval.LowRank(differences.Length);
        return new PairedDifference(Turns.Median(differences), differences[low], differences[^(low + 1)]);
    }
}

/// <summary>How far the median of some pairs can be trusted.</summary>
internal static class PairedInterval
{
    /// <summary>
    /// The rank of the lower end of a 95 % interval of the median, from 0: the largest k so that at most k of n coins show heads with a
    /// probability of 2.5 % at most. It assumes nothing of how the values are distributed.
    /// </summary>
    public static int LowRank(int n)
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
