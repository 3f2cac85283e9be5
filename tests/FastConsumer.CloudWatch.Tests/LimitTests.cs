using System.Buffers;
using System.Text.Json;

namespace FastConsumer.CloudWatch.Tests;

/// <summary>What the embedded metric format allows, and what a datagram holds.</summary>
public sealed class LimitTests
{
    private const int MostMetrics = 100;
    private const int MostValues = 100;
    private const int LargestDatagram = 65_507;

    [Fact]
    public void The_largest_line_is_allowed_and_fits_into_a_datagram()
    {
        double[] longest = [.. Enumerable.Repeat(-123_456_789_012.345, MostValues)];
        foreach (IGrouping<string, KclMetric> operation in KclMetric.All.GroupBy(static metric => metric.Operation))
        {
            ArrayBufferWriter<byte> output = new();
            // the longest names that CloudWatch takes
            EmfWriter.Write(
                output,
                new EmfObject(new string('n', 255), operation.Key, new string('s', 1024),
                    [.. operation.Select(metric => (metric, metric.Statistic == KclStatistic.Values ? longest : [longest[0]]))]),
                new string('g', 512),
                DateTimeOffset.MaxValue);

            Assert.InRange(output.WrittenCount, 1, LargestDatagram);
            using JsonDocument line = JsonDocument.Parse(output.WrittenMemory);
            JsonElement directive = Assert.Single(
                line.RootElement.GetProperty("_aws").GetProperty("CloudWatchMetrics").EnumerateArray().ToArray());
            JsonElement[] metrics = [.. directive.GetProperty("Metrics").EnumerateArray()];
            Assert.InRange(metrics.Length, 1, MostMetrics);
            // each metric and each dimension that is named is there, once
            string[] names = [.. metrics.Select(static metric => metric.GetProperty("Name").GetString()!),
                .. directive.GetProperty("Dimensions").EnumerateArray().Last().EnumerateArray().Select(static name => name.GetString()!)];
            Assert.Equal(
                names.Append("_aws").Order(StringComparer.Ordinal),
                line.RootElement.EnumerateObject().Select(static member => member.Name).Order(StringComparer.Ordinal));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void Values_that_may_be_told_are_told_as_they_are(int count)
    {
        Sample sample = Fill(count);

        Assert.Equal(Enumerable.Range(0, count).Select(static i => Value(i)), sample.Values());
        Assert.Equal(count, sample.Count);
    }

    [Theory]
    [InlineData(101)]
    [InlineData(1024)]
    [InlineData(1025)]
    [InlineData(1_000_000)]
    public void Of_more_values_as_many_stand_for_all(int count)
    {
        Sample sample = Fill(count);
        double[] all = [.. Enumerable.Range(0, count).Select(static i => Value(i))];

        double[] values = sample.Values();

        Assert.Equal(MostValues, values.Length);
        Assert.Equal((all.Min(), all.Max()), (values[0], values[^1]));
        Assert.Equal(values.Order(), values);
        Assert.InRange(values.Average(), all.Average() * 0.97, all.Average() * 1.03);
        // the median, where the middle of so many values lies
        Assert.InRange(values[MostValues / 2], all.Order().ElementAt(count / 2) * 0.9, all.Order().ElementAt(count / 2) * 1.1);
        Assert.Equal(all.Sum(), sample.Sum, 3);
    }

    /// <summary>What came first counts as much as what came last.</summary>
    [Fact]
    public void A_trend_is_kept()
    {
        const int Count = 100_000;
        Sample sample = new();
        for (int i = 0; i < Count; i++)
        {
            sample.Add(i, isSuccess: true);
        }

        double[] values = sample.Values();

        Assert.Equal((0, Count - 1), (values[0], values[^1]));
        Assert.InRange(values.Average(), Count * 0.48, Count * 0.52);
        Assert.InRange(values[10], Count * 0.08, Count * 0.12);
        Assert.InRange(values[90], Count * 0.88, Count * 0.92);
    }

    [Fact]
    public void A_cleared_sample_begins_anew()
    {
        Sample sample = Fill(5000);

        sample.Clear();

        Assert.Equal((0, 0, 0), (sample.Count, sample.Sum, sample.Successes));
        sample.Add(-3, isSuccess: false);
        sample.Add(-2, isSuccess: true);
        Assert.Equal([-3.0, -2.0], sample.Values());
        Assert.Equal((-2.0, -5.0, 1), (sample.Highest, sample.Sum, sample.Successes));
    }

    private static Sample Fill(int count)
    {
        Sample sample = new();
        for (int i = 0; i < count; i++)
        {
            sample.Add(Value(i), isSuccess: true);
        }

        return sample;
    }

    /// <summary>Some spread, in no order, and the same in each run.</summary>
    private static double Value(int i) => 10 + (i * 7919L % 1009);
}
