using FastConsumer.Leases.Core;

namespace FastConsumer.Tests.Leases.Core;

/// <summary>How fast a worker writes to its table, step by step.</summary>
public sealed class WriteBudgetTests
{
    private static readonly TimeSpan s_start = TimeSpan.FromSeconds(100);

    [Fact]
    public void Without_a_limit_and_without_a_throttle_nothing_is_paced()
    {
        WriteBudget budget = WriteBudget.Create(tableUnits: null, s_start).Spend(500, s_start);
        Assert.Null(budget.Pace);
        Assert.Equal(int.MaxValue, budget.MostAtOnce);
        Assert.Equal(TimeSpan.MinValue, budget.NextAt);
    }

    [Fact]
    public void A_given_limit_is_shared_by_leases_held()
    {
        WriteBudget budget = WriteBudget.Create(tableUnits: 50, s_start).WithShare(held: 10, all: 100, least: 0);
        Assert.Equal(5, budget.Pace);
        Assert.Equal(5, budget.MostAtOnce);
        // a worker that holds nothing yet may still take its first lease
        Assert.Equal(0.5, budget.WithShare(held: 0, all: 100, least: 0).Pace);
        Assert.Equal(1, budget.WithShare(held: 0, all: 100, least: 0).MostAtOnce);
    }

    [Fact]
    public void Units_that_were_written_are_waited_for_and_unused_time_is_not_saved_up()
    {
        WriteBudget budget = WriteBudget.Create(tableUnits: 10, s_start).Spend(5, s_start);
        Assert.Equal(s_start + TimeSpan.FromSeconds(0.5), budget.NextAt);
        TimeSpan later = s_start + TimeSpan.FromHours(1);
        Assert.Equal(later + TimeSpan.FromSeconds(1), budget.Spend(10, later).NextAt);
    }

    [Fact]
    public void A_throttle_halves_the_pace_that_was_reached_and_success_brings_it_back()
    {
        TimeSpan now = s_start;
        WriteBudget budget = Written(WriteBudget.Create(tableUnits: null, now), 40, ref now, seconds: 3);
        budget = budget.Answered(written: 40, throttled: 1, now += TimeSpan.FromSeconds(1));
        Assert.Equal(now, budget.ThrottledAt);
        double cut = budget.Pace!.Value;
        Assert.InRange(cut, 19, 21);

        // slowly at first
        budget = Written(budget, 20, ref now, seconds: 5);
        Assert.InRange(budget.Pace!.Value, cut * 1.2, cut * 1.35);
        // and then so fast that it binds no longer
        budget = Written(budget, 20, ref now, seconds: 60);
        Assert.Null(budget.Pace);
    }

    [Fact]
    public void Throttles_of_requests_that_were_sent_together_halve_it_once()
    {
        TimeSpan now = s_start;
        WriteBudget budget = Written(WriteBudget.Create(tableUnits: null, now), 40, ref now, seconds: 3);
        now += TimeSpan.FromSeconds(1);
        for (int i = 0; i < 5; i++)
        {
            budget = budget.Answered(written: 8, throttled: 2, now += TimeSpan.FromMilliseconds(50));
        }

        // half of the 32 to 40 units that took effect meanwhile, and not a 32nd
        Assert.InRange(budget.Pace!.Value, 16, 20);
    }

    [Fact]
    public void No_throttle_slows_it_below_what_its_leases_need()
    {
        TimeSpan now = s_start;
        WriteBudget budget = WriteBudget.Create(tableUnits: null, now).WithShare(held: 30, all: 100, least: 6);
        for (int i = 0; i < 20; i++)
        {
            budget = budget.Answered(written: 0, throttled: 10, now += TimeSpan.FromSeconds(2));
        }

        Assert.Equal(6, budget.Pace);
    }

    [Fact]
    public void A_throttle_after_a_quiet_hour_counts_from_what_was_written_now()
    {
        TimeSpan now = s_start;
        WriteBudget budget = Written(WriteBudget.Create(tableUnits: null, now), 1000, ref now, seconds: 3);
        now += TimeSpan.FromHours(1);
        budget = budget.Answered(written: 20, throttled: 20, now);
        Assert.InRange(budget.Pace!.Value, 9, 11);
    }

    private static WriteBudget Written(WriteBudget budget, int units, ref TimeSpan now, int seconds)
    {
        for (int i = 0; i < seconds; i++)
        {
            now += TimeSpan.FromSeconds(1);
            budget = budget.Answered(units, throttled: 0, now);
        }

        return budget;
    }
}
