using FastConsumer.Reading;
using FastConsumer.Testing;

namespace FastConsumer.Tests.Reading.Quota;

/// <summary>The figures that the read quota is to reach, on virtual time: deterministic, whatever the machine.</summary>
public sealed class ReadQuotaSimulationTests(ITestOutputHelper output)
{
    private const double Warmup = 10;

    private const int TwoFillASecond = 1024 * 1024;

    // four in a second, two in a second and a little room, two in a second and none
    private static readonly int[] s_recordSizes = [100, 1024, 100 * 1024, 400_000, 1_000_000, TwoFillASecond];

    public static TheoryData<ReadQuotaModel, int> ModelsAndSizes()
    {
        var data = new TheoryData<ReadQuotaModel, int>();
        foreach (ReadQuotaModel model in Models)
        {
            foreach (int size in s_recordSizes)
            {
                data.Add(model, size);
            }
        }

        return data;
    }

    public static TheoryData<ReadQuotaModel> AllModels() => [.. Models];

    private static IEnumerable<ReadQuotaModel> Models => Enum.GetValues<ReadQuotaModel>().Except([ReadQuotaModel.None]);

    [Theory]
    [MemberData(nameof(ModelsAndSizes))]
    public void Alone_it_reads_98_percent_and_is_never_refused(ReadQuotaModel model, int recordBytes)
    {
        for (int seed = 1; seed <= 3; seed++)
        {
            var shard = new SimulatedShard(model, recordBytes, seed);
            SimulatedReader reader = shard.AddReader(seed);
            shard.Run(300);
            output.WriteLine($"{reader.Share(0, 300):0.0000}");
            Assert.Equal(0, reader.Refused(0, 300));
            Assert.InRange(reader.Share(0, 300), 0.98, 1.01);
        }
    }

    [Theory]
    [MemberData(nameof(ModelsAndSizes))]
    public void Two_share_fairly(ReadQuotaModel model, int recordBytes)
    {
        // with one record a second each, there are so few calls that a single run says little
        bool isCoarse = recordBytes >= 1_000_000;
        int runs = isCoarse ? 8 : 3;
        double refused = 0;
        for (int seed = 1; seed <= runs; seed++)
        {
            var shard = new SimulatedShard(model, recordBytes, seed);
            SimulatedReader[] readers = [shard.AddReader(seed * 10), shard.AddReader((seed * 10) + 1)];
            shard.Run(600);
            Figures figures = Measure(readers, Warmup, 600);
            Assert.InRange(figures.Total, 0.95, 1.02);
            Assert.InRange(figures.Least, 0.45, 0.55);
            Assert.InRange(figures.Refused, 0, recordBytes == 1_000_000 ? 0.035 : 0.03);
            refused += figures.Refused / runs;
        }

        Assert.InRange(refused, 0, 0.03);
    }

    [Theory]
    [MemberData(nameof(AllModels))]
    public void One_that_joins_later_gets_its_half(ReadQuotaModel model)
    {
        for (int seed = 1; seed <= 3; seed++)
        {
            var shard = new SimulatedShard(model, 1024, seed);
            SimulatedReader[] readers = [shard.AddReader(seed * 10), shard.AddReader((seed * 10) + 1, from: 60)];
            shard.Run(360);
            Figures figures = Measure(readers, 75, 360);
            Assert.InRange(figures.Total, 0.94, 1.02);
            Assert.InRange(figures.Least, 0.40, 0.60);
        }
    }

    [Theory]
    [MemberData(nameof(AllModels))]
    public void One_that_joins_later_gets_in_where_two_records_fill_a_second(ReadQuotaModel model)
    {
        const double Joins = 60;
        for (int seed = 1; seed <= 8; seed++)
        {
            var shard = new SimulatedShard(model, TwoFillASecond, seed);
            SimulatedReader first = shard.AddReader(seed * 10);
            SimulatedReader joins = shard.AddReader((seed * 10) + 1, from: Joins);
            shard.Run(360);
            output.WriteLine($"{joins.FirstRead:0.0}");
            Figures figures = Measure([first, joins], Joins, 360);
            Assert.InRange(joins.FirstRead, Joins, Joins + 32);
            Assert.InRange(figures.Total, 0.95, 1.02);
            Assert.InRange(figures.Least, 0.42, 0.58);
        }
    }

    [Theory]
    [MemberData(nameof(AllModels))]
    public void What_one_leaves_is_taken_within_two_minutes(ReadQuotaModel model)
    {
        for (int seed = 1; seed <= 3; seed++)
        {
            var shard = new SimulatedShard(model, 1024, seed);
            SimulatedReader stays = shard.AddReader(seed * 10);
            shard.AddReader((seed * 10) + 1, until: 120);
            shard.Run(400);
            output.WriteLine($"{stays.Share(240, 400):0.000}");
            Assert.InRange(stays.Share(240, 400), 0.97, 1.01);
        }
    }

    [Theory]
    [MemberData(nameof(AllModels))]
    public void Three_share(ReadQuotaModel model)
    {
        for (int seed = 1; seed <= 3; seed++)
        {
            var shard = new SimulatedShard(model, 1024, seed);
            SimulatedReader[] readers = [shard.AddReader(seed * 10), shard.AddReader((seed * 10) + 1), shard.AddReader((seed * 10) + 2)];
            shard.Run(600);
            Figures figures = Measure(readers, 30, 600);
            Assert.InRange(figures.Total, 0.90, 1.02);
            Assert.InRange(figures.Least, 0.22, 0.34);
            Assert.InRange(figures.Refused, 0, 0.09);
        }
    }

    [Theory]
    [MemberData(nameof(AllModels))]
    public void Beside_a_neighbour_that_takes_half_it_takes_the_other(ReadQuotaModel model)
    {
        var shard = new SimulatedShard(model, 1024, 1);
        using IDisposable neighbour = shard.AddNeighbour(1, ReadQuota.BytesPerSecond / 2);
        SimulatedReader reader = shard.AddReader(1);
        shard.Run(300);
        Figures figures = Measure([reader], Warmup, 300);
        Assert.InRange(figures.Total, 0.45, 0.65);
        Assert.InRange(figures.Refused, 0, 0.03);
    }

    [Theory]
    [MemberData(nameof(AllModels))]
    public void An_idle_reader_hands_on_records_after_half_its_interval(ReadQuotaModel model)
    {
        var shard = new SimulatedShard(model, 1024, 1);
        SimulatedReader reader = shard.AddReader(1, isLagging: false);
        var random = new Random(7);
        for (double at = 1; at < 300; at += 2 * random.NextDouble())
        {
            shard.At(at, shard.Put);
        }

        shard.Run(301);
        reader.Delays.Sort();
        double median = reader.Delays[reader.Delays.Count / 2];
        output.WriteLine($"p50 {median:0.000} s of {reader.Delays.Count}, {reader.Calls(0, 300) / 300.0:0.00} calls/s");
        Assert.InRange(median, 0, 0.220);
        Assert.Equal(0, reader.Refused(0, 300));
    }

    [Theory]
    [MemberData(nameof(AllModels))]
    public void Five_idle_readers_fit_on_a_shard(ReadQuotaModel model)
    {
        var shard = new SimulatedShard(model, 1024, 1);
        SimulatedReader[] readers = [.. Enumerable.Range(0, 5).Select(i => shard.AddReader(100 + i, isLagging: false))];
        shard.Run(600);
        Figures figures = Measure(readers, 60, 600);
        Assert.InRange(figures.Refused, 0, 0.03);
    }

    private Figures Measure(SimulatedReader[] readers, double from, double to)
    {
        double[] shares = [.. readers.Select(reader => reader.Share(from, to))];
        double refused = readers.Sum(reader => reader.Refused(from, to)) / (double)readers.Sum(reader => reader.Calls(from, to));
        output.WriteLine($"total {shares.Sum():0.000}, each {string.Join(" ", shares.Select(static share => share.ToString("0.000")))}, "
            + $"refused {refused:P2}");
        return new Figures(shares.Sum(), shares.Min(), refused);
    }

    private sealed record Figures(double Total, double Least, double Refused);
}
