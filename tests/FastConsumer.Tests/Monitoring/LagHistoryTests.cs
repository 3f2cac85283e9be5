using FastConsumer.Monitoring;
using FsCheck;
using FsCheck.Fluent;

namespace FastConsumer.Tests.Monitoring;

public sealed class LagHistoryTests
{
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    private readonly LagHistory _lag = new();

    [Fact]
    public void Nothing_is_known_of_no_sample_or_one()
    {
        Assert.Null(_lag.Slope(s_minute));
        Add(40_000);
        Assert.Equal(40_000, _lag.Last);
        Assert.Equal(TimeSpan.Zero, _lag.Length);
        Assert.Null(_lag.Slope(s_minute));
        Assert.Null(_lag.Trend);
        AssertNothing(_lag);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(600, 0)]
    [InlineData(600, 4000)]
    public void A_shard_that_stands_has_slope_1_and_lags_suddenly_within_three_minutes(int secondsBefore, int lagBefore)
    {
        Grow(lagBefore, 0, secondsBefore);
        AssertNothing(_lag);
        int after = 0;
        while (!_lag.IsSudden)
        {
            after += 10;
            Assert.InRange(after, 0, 180);
            Add(lagBefore + after);
        }

        Assert.True(after >= 60);
        Grow(lagBefore + after, 1, 3600);
        Assert.True(_lag.IsSudden);
        Assert.Equal(1, _lag.Slope(s_minute)!.Value, 3);
        Assert.Equal(1, _lag.Trend!.Value, 3);
        Assert.Null(_lag.CaughtUpIn);
        Assert.Equal(TimeSpan.FromHours(1), _lag.Length);
    }

    [Theory]
    [InlineData(0.03, true)]
    [InlineData(0.1, true)]
    [InlineData(0.5, true)]
    [InlineData(0.015, false)]
    [InlineData(-0.1, false)]
    public void A_lag_that_grows_for_a_quarter_of_an_hour_is_gradual(double slope, bool isGradual)
    {
        var random = new Random(1);
        for (int i = 0; i <= 90; i++)
        {
            Assert.False(_lag.IsGradual);
            Assert.False(_lag.IsSudden);
            // polls come late
            Add(200 + (10 * i * slope) + random.NextDouble());
        }

        Assert.Equal(isGradual, _lag.IsGradual);
    }

    [Fact]
    public void A_lag_that_falls_in_between_is_not_gradual()
    {
        for (int i = 0; i <= 180; i++)
        {
            Add(i < 120 ? i : i - 20);
            Assert.Equal(i is >= 90 and < 120, _lag.IsGradual);
        }
    }

    [Fact]
    public void A_single_step_is_not_gradual()
    {
        // a handler that collects records for twenty seconds from now on
        for (int i = 0; i < 400; i++)
        {
            Add(i < 200 ? 0 : 20 + (i % 2));
            AssertNothing(_lag);
        }
    }

    [Theory]
    [InlineData(72_000, -9)]
    [InlineData(72_000, -0.5)]
    [InlineData(70, -0.02)]
    public void A_lag_that_falls_says_when_it_is_gone(double lag, double slope)
    {
        Grow(lag, slope, 20);
        Assert.Null(_lag.CaughtUpIn);
        Grow(_lag.Last, slope, 980);
        double left = lag + (slope * 1000);
        Assert.Equal(left / -slope, _lag.CaughtUpIn!.Value.TotalSeconds, 0);
        Assert.True(_lag.Trend < 0);
        Assert.Null(SampledRules.LossIn(_lag, TimeSpan.FromHours(24)));
    }

    [Fact]
    public void A_lag_that_fell_and_grows_again_does_not_catch_up()
    {
        Grow(80_000, -5, 1200);
        Assert.NotNull(_lag.CaughtUpIn);
        Grow(74_000, 1, 120);
        Assert.Null(_lag.CaughtUpIn);
    }

    [Fact]
    public void A_lag_that_grows_and_wavers_does_not_catch_up_with_any_sample()
    {
        for (int i = 0; i < 360; i++)
        {
            Add(75_000 + (10 * i * 0.05) + (i % 6 == 0 ? -2 : 0));
            Assert.Null(_lag.CaughtUpIn);
        }
    }

    [Fact]
    public void What_began_a_moment_ago_counts_at_once_and_what_is_over_no_more()
    {
        Grow(100, 0.1, 3600);
        Assert.Equal(0.1, _lag.Trend!.Value, 2);
        Grow(460, 1, 60);
        Assert.Equal(1, _lag.Trend!.Value, 2);
        Grow(520, 0, 70);
        Assert.Equal(0, _lag.Trend!.Value, 2);
    }

    [Fact]
    public void The_first_loss_is_told_from_the_retention_what_is_left_of_it_and_the_slope()
    {
        Grow(3600, 0.5, 600);
        Assert.Equal(
            (TimeSpan.FromHours(24) - TimeSpan.FromSeconds(3900)) / 0.5, SampledRules.LossIn(_lag, TimeSpan.FromHours(24))!.Value);
        // it is lost already
        Assert.Equal(TimeSpan.Zero, SampledRules.LossIn(_lag, TimeSpan.FromHours(1))!.Value);
        Grow(3900, 0, 120);
        Assert.Null(SampledRules.LossIn(_lag, TimeSpan.FromHours(24)));
        Assert.Null(SampledRules.LossIn(new LagHistory(), TimeSpan.FromHours(24)));
    }

    [Fact]
    public void No_walk_around_zero_and_no_single_sample_is_a_verdict()
    {
        // seconds of a poll that came late, and now and then, a minute apart at least, one sample that is anything
        Gen<(int Start, int[] Walk, int[] Odd)> walks =
            from start in Gen.Choose(0, 2000)
            from walk in Gen.Choose(-500, 500).ArrayOf(500)
            from odd in Gen.Frequency((20, Gen.Constant(0)), (1, Gen.Choose(1, 2_000_000))).ArrayOf(500)
            select (start, walk, odd);
        Prop.ForAll(walks.ToArbitrary(), static some =>
        {
            var lag = new LagHistory();
            int milliseconds = some.Start;
            int odd = -100;
            for (int i = 0; i < some.Walk.Length; i++)
            {
                milliseconds = Math.Clamp(milliseconds + some.Walk[i], 0, 2000);
                if (some.Odd[i] > 0 && i - odd > 6)
                {
                    odd = i;
                }

                lag.Add(TimeSpan.FromMilliseconds(odd == i ? some.Odd[i] : milliseconds));
                Assert.False(lag.IsSudden, $"sudden at {i}");
                Assert.False(lag.IsGradual, $"gradual at {i}");
                Assert.False(lag.CaughtUpIn is not null, $"catches up at {i}");
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500).WithQuietOnSuccess(true));
    }

    [Fact]
    public void A_single_sample_changes_no_verdict_on_a_lag_that_stands_at_some_height()
    {
        Prop.ForAll(
            Gen.Choose(0, 20_000).ToArbitrary(), Gen.Choose(0, 40_000).ToArbitrary(), static (height, odd) =>
            {
                var lag = new LagHistory();
                for (int i = 0; i < 200; i++)
                {
                    lag.Add(TimeSpan.FromSeconds(i == 100 ? odd : height));
                    Assert.False(lag.IsSudden);
                    Assert.False(lag.IsGradual);
                    Assert.Null(lag.CaughtUpIn);
                }
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithQuietOnSuccess(true));
    }

    private static void AssertNothing(LagHistory lag)
    {
        Assert.False(lag.IsSudden);
        Assert.False(lag.IsGradual);
        Assert.Null(lag.CaughtUpIn);
    }

    private void Add(double seconds) => _lag.Add(TimeSpan.FromSeconds(seconds));

    /// <summary>Samples from a lag on, that one included where it is the first.</summary>
    private void Grow(double from, double slope, int seconds)
    {
        if (_lag.Last == 0 && _lag.Length == TimeSpan.Zero)
        {
            Add(from);
        }

        for (int i = 10; i <= seconds; i += 10)
        {
            Add(from + (slope * i));
        }
    }
}
