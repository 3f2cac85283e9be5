namespace FastConsumer.LoadTest;

/// <summary>
/// Lets several ways to do the same have their turns, one after the other, so that a busy machine is alike to all; CPU time.
/// </summary>
internal static class Turns
{
    private static readonly TimeSpan s_turn = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan s_warmUp = TimeSpan.FromMilliseconds(100);
    private const int WarmUps = 5;

    /// <summary>Nanoseconds of each operation, per way and round. Each call of a way does <paramref name="operations"/> of them.</summary>
    public static double[][] Run(int rounds, int operations, params Action[] ways)
    {
        // the second compiler works beside, on what the first one has counted
        for (int i = 0; i < WarmUps; i++)
        {
            foreach (Action way in ways)
            {
                Turn(way, operations, s_warmUp);
            }
        }

        double[][] all = [.. ways.Select(_ => new double[rounds])];
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < ways.Length; i++)
            {
                // who comes first changes, for the first one after a pause is slower
                int turn = (i + round) % ways.Length;
                all[turn][round] = Turn(ways[turn], operations, s_turn);
            }
        }

        return all;
    }

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static double Turn(Action way, int operations, TimeSpan duration)
    {
        way();
        TimeSpan before = Environment.CpuUsage.TotalTime;
        TimeSpan spent;
        long runs = 0;
        do
        {
            way();
            runs++;
            spent = Environment.CpuUsage.TotalTime - before;
        }
        while (spent < duration);

        return spent.TotalNanoseconds / runs / operations;
    }
}
