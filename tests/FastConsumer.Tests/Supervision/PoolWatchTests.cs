using FastConsumer.Diagnostics;
using FastConsumer.Supervision;
using FastConsumer.Testing;

namespace FastConsumer.Tests.Supervision;

/// <summary>In virtual time, with a pool that runs its items when the test says so.</summary>
public sealed class PoolWatchTests
{
    private readonly ManualClock _clock = new();
    private readonly Findings _findings = new(TimeProvider.System);
    private readonly Queue<Action> _pool = new();
    private readonly List<TimeSpan?> _told = [];
    private readonly PoolWatch _watch;

    public PoolWatchTests() => _watch = new PoolWatch(_findings, "pool", _clock, _pool.Enqueue);

    [Fact]
    public void A_pool_that_runs_its_items_is_not_told_of()
    {
        for (int i = 0; i < 100; i++)
        {
            Look();
            RunPool();
        }

        Assert.Empty(_told);
        Assert.Empty(_findings.Current);
        Assert.Equal(0, _watch.Count);
    }

    [Fact]
    public void An_item_that_has_not_run_after_a_second_is_told_once_and_shown_until_it_runs()
    {
        Look();
        _clock.Advance(PoolWatch.Interval - TimeSpan.FromMilliseconds(1));
        Look(TimeSpan.Zero);
        Assert.Empty(_findings.Current);
        Look(TimeSpan.FromMilliseconds(1));
        Look();
        Look();
        Assert.Equal(PoolWatch.Interval, Assert.Single(_told));
        Assert.Equal(FindingSeverity.Degraded, Assert.Single(_findings.Current).Severity);
        Assert.Equal(1, _watch.Count);

        RunPool();
        Look();
        Assert.Empty(_findings.Current);
        Assert.Equal([PoolWatch.Interval, null], _told);
    }

    [Fact]
    public void What_comes_again_is_counted_and_told_once_a_minute()
    {
        for (int i = 0; i < 5; i++)
        {
            Look();
            Look(PoolWatch.Interval);
            RunPool();
            Look();
            Look(PoolWatch.Interval);
            RunPool();
            Look();
        }

        Assert.True(_watch.Count >= 5);
        Assert.Single(_told, static waited => waited is not null);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Look();
        Look(PoolWatch.Interval);
        Assert.Equal(2, _told.Count(static waited => waited is not null));
    }

    private void RunPool()
    {
        while (_pool.TryDequeue(out Action? item))
        {
            item();
        }
    }

    private void Look(TimeSpan? after = null)
    {
        _clock.Advance(after ?? TimeSpan.FromMilliseconds(250));
        _watch.Look(_told.Add);
    }
}
