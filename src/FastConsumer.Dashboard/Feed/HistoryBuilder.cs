using System.Text.Json;
using FastConsumer.Dashboard.Model;

namespace FastConsumer.Dashboard.Feed;

/// <summary>Makes charts of samples.</summary>
internal static class HistoryBuilder
{
    private const int SamplesACell = 6;
    private const int Cells = (SampleRing.Length - 1) / SamplesACell;
    private const char Gap = '.';

    /// <summary>The charts of one worker as JSON.</summary>
    /// <param name="book">What was noted of the worker.</param>
    /// <param name="tick">The number of the sample of now.</param>
    /// <param name="now">The time.</param>
    /// <param name="shardId">A shard; null for all of them together.</param>
    public static byte[] History(WorkerBook book, long tick, DateTimeOffset now, string? shardId)
    {
        SampleRing? ring = shardId is null ? book.All : book.Shards.GetValueOrDefault(shardId);
        // the sample of now may not have been taken yet: that is no gap
        long last = ring is not null && ring.Last == tick - 1 ? tick - 1 : tick;
        return JsonSerializer.SerializeToUtf8Bytes(
            new HistoryState
            {
                At = now,
                Step = SampleRing.Interval.TotalSeconds,
                Lag = [.. Ticks(last).Select(number => Known(ring?.Lag(number)))],
                Records = [.. Ticks(last).Select(number => Known(ring?.Records(number)))],
                Heat = shardId is null ? HeatOf(book, last) : null,
            },
            DashboardJson.Default.HistoryState);
    }

    private static IEnumerable<long> Ticks(long last)
    {
        for (long tick = last - SampleRing.Length + 1; tick <= last; tick++)
        {
            yield return tick;
        }
    }

    private static double? Known(float? value) => value is { } known && float.IsFinite(known) ? Math.Round(known, 1) : null;

    private static HeatState HeatOf(WorkerBook book, long last)
    {
        List<(string Shard, double[] Rates)> rows =
        [
            .. book.Shards.OrderBy(static shard => shard.Key, StringComparer.Ordinal)
                .Select(shard => (shard.Key, RatesOf(shard.Value, last))),
        ];
        double most = rows.SelectMany(static row => row.Rates).Where(double.IsFinite).DefaultIfEmpty().Max();
        return new HeatState(
            Math.Round(most, 1), [.. rows.Select(row => new HeatRow(row.Shard, CellsOf(row.Rates, most)))]);
    }

    /// <summary>The mean rate of each minute; NaN for a gap.</summary>
    private static double[] RatesOf(SampleRing ring, long last)
    {
        double[] rates = new double[Cells];
        for (int cell = 0; cell < Cells; cell++)
        {
            double sum = 0;
            int known = 0;
            for (int sample = 0; sample < SamplesACell; sample++)
            {
                float rate = ring.Records(last - ((Cells - cell) * SamplesACell) + 1 + sample);
                if (float.IsFinite(rate))
                {
                    sum += rate;
                    known++;
                }
            }

            rates[cell] = known == 0 ? double.NaN : sum / known;
        }

        return rates;
    }

    private static string CellsOf(double[] rates, double most) => string.Create(Cells, (rates, most), static (cells, all) =>
    {
        for (int cell = 0; cell < cells.Length; cell++)
        {
            double rate = all.rates[cell];
            cells[cell] = !double.IsFinite(rate) ? Gap
                : rate <= 0 || all.most <= 0 ? '0'
                // what is there at all is seen
                : (char)('0' + Math.Clamp((int)Math.Ceiling(rate / all.most * 9), 1, 9));
        }
    });
}
