using FastConsumer.Leases;
using FastConsumer.Testing;

namespace FastConsumer.Tests.Leases;

public sealed class LeaseObserverTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void A_lease_expires_when_its_counter_has_stood_still_for_the_lease_duration()
    {
        var observer = new LeaseObserver(TimeSpan.FromSeconds(10), _clock);
        var lease = new Lease { LeaseKey = "0", LeaseOwner = "other", LeaseCounter = 5 };
        observer.Observe([lease], _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(observer.IsFree(lease));
        observer.Observe([lease], _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(observer.IsFree(lease));

        Lease renewed = lease with { LeaseCounter = 6 };
        observer.Observe([renewed], _clock.GetTimestamp());
        Assert.False(observer.IsFree(renewed));
    }

    [Fact]
    public void A_lease_is_not_free_before_it_was_seen_and_starts_anew_after_it_was_gone()
    {
        var observer = new LeaseObserver(TimeSpan.FromSeconds(10), _clock);
        var lease = new Lease { LeaseKey = "0", LeaseOwner = "other", LeaseCounter = 5 };
        Assert.False(observer.IsFree(lease));
        observer.Observe([lease], _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(10));
        observer.Observe([], _clock.GetTimestamp());
        observer.Observe([lease], _clock.GetTimestamp());
        Assert.False(observer.IsFree(lease));
    }

    [Fact]
    public void A_new_owner_starts_anew_and_nobodys_lease_is_free()
    {
        var observer = new LeaseObserver(TimeSpan.FromSeconds(10), _clock);
        var lease = new Lease { LeaseKey = "0", LeaseOwner = "other", LeaseCounter = 5 };
        observer.Observe([lease], _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(10));
        Lease taken = lease with { LeaseOwner = "third" };
        observer.Observe([taken], _clock.GetTimestamp());
        Assert.False(observer.IsFree(taken));
        Assert.True(observer.IsFree(lease with { LeaseOwner = null }));
    }

    [Fact]
    public void A_worker_is_dead_when_its_bell_has_expired_and_nothing_of_it_moves()
    {
        var observer = new LeaseObserver(TimeSpan.FromSeconds(10), _clock);
        Lease[] leases = [.. Enumerable.Range(0, 3).Select(static i => new Lease { LeaseKey = $"{i}", LeaseOwner = "other", TakenBy = "other", LeaseCounter = 5 })];
        observer.Observe(leases, _clock.GetTimestamp());
        // the bell is watched, the others are seen again at the end only
        _clock.Advance(TimeSpan.FromSeconds(7));
        leases = [leases[0], leases[1] with { LeaseCounter = 6 }, leases[2]];
        observer.Observe(leases, _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(3));
        Assert.False(observer.IsFree(leases[1]));
        observer.Observe(leases, _clock.GetTimestamp());
        Assert.All(leases, lease => Assert.True(observer.IsFree(lease)));

        // another worker takes the bell: the rest stays free
        leases = [leases[0] with { LeaseOwner = "third", TakenBy = "third", LeaseCounter = 6 }, leases[1], leases[2]];
        observer.Observe(leases, _clock.GetTimestamp());
        Assert.False(observer.IsFree(leases[0]));
        Assert.True(observer.IsFree(leases[1]));

        // a sign of life disproves it
        leases = [leases[0], leases[1] with { LeaseCounter = 7 }, leases[2] with { LeaseCounter = 6 }];
        observer.Observe(leases, _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(5));
        observer.Observe(leases, _clock.GetTimestamp());
        Assert.False(observer.IsFree(leases[1]));
        Assert.True(observer.IsLive(leases[1]));
    }

    [Theory]
    [InlineData("0", "1")]
    [InlineData("1", "0")]
    public void A_worker_whose_bell_was_taken_is_alive_where_it_has_taken_a_lease_since(string bellKey, string otherKey)
    {
        var observer = new LeaseObserver(TimeSpan.FromSeconds(10), _clock);
        var bell = new Lease { LeaseKey = bellKey, LeaseOwner = "other", TakenBy = "other", LeaseCounter = 5 };
        observer.Observe([bell], _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(9));
        observer.Observe([bell], _clock.GetTimestamp());
        // this worker sees nothing for a while
        _clock.Advance(TimeSpan.FromSeconds(20));
        Lease taken = new() { LeaseKey = otherKey, LeaseOwner = "other", TakenBy = "other", LeaseCounter = 1 };
        Lease[] leases = [bell with { LeaseOwner = "third", TakenBy = "third", LeaseCounter = 6 }, taken];
        observer.Observe([.. leases.OrderBy(static lease => lease.LeaseKey, StringComparer.Ordinal)], _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(5));
        observer.Observe([.. leases.OrderBy(static lease => lease.LeaseKey, StringComparer.Ordinal)], _clock.GetTimestamp());

        Assert.False(observer.IsFree(taken));
    }

    [Fact]
    public void A_worker_that_was_seen_since_is_alive_however_late_the_loss_of_its_bell_shows()
    {
        var observer = new LeaseObserver(TimeSpan.FromSeconds(10), _clock);
        var bell = new Lease { LeaseKey = "0", LeaseOwner = "other", TakenBy = "other", LeaseCounter = 5 };
        observer.Observe([bell], _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(9));
        // the bell's row is read with delay
        var taken = new Lease { LeaseKey = "1", LeaseOwner = "other", TakenBy = "other", LeaseCounter = 1 };
        observer.Observe([bell, taken], _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(1));
        Lease[] leases = [bell with { LeaseOwner = "third", TakenBy = "third", LeaseCounter = 6 }, taken];
        observer.Observe(leases, _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(4));
        observer.Observe(leases, _clock.GetTimestamp());

        Assert.False(observer.IsFree(taken));
    }

    [Fact]
    public void A_worker_that_was_seen_to_renew_since_is_alive_however_late_a_row_that_was_given_to_it_shows_its_end()
    {
        var observer = new LeaseObserver(TimeSpan.FromSeconds(10), _clock);
        var mine = new Lease { LeaseKey = "1", LeaseOwner = "other", TakenBy = "other", LeaseCounter = 1 };
        var given = new Lease { LeaseKey = "0", LeaseOwner = "other", TakenBy = "third", LeaseCounter = 5 };
        observer.Observe([given, mine], _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(8));
        // what was listed long ago comes late: taken since, read to its end and released
        observer.Observe([given, mine], _clock.GetTimestamp());
        mine = mine with { LeaseCounter = 2 };
        observer.Glance([mine], _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(3));
        Lease[] leases = [given with { LeaseOwner = null, TakenBy = null, LeaseCounter = 8 }, mine];
        observer.Observe(leases, _clock.GetTimestamp());

        Assert.False(observer.IsFree(mine));
    }

    [Fact]
    public void What_was_read_before_this_worker_stood_still_shows_no_silence()
    {
        var observer = new LeaseObserver(TimeSpan.FromSeconds(10), _clock);
        var first = new Lease { LeaseKey = "0", LeaseOwner = "other", TakenBy = "other", LeaseCounter = 5 };
        var second = new Lease { LeaseKey = "1", LeaseOwner = "other", TakenBy = "other", LeaseCounter = 1 };
        observer.Observe([first, second], _clock.GetTimestamp());
        long begun = _clock.GetTimestamp();
        _clock.Advance(TimeSpan.FromSeconds(20));
        observer.Observe([first, second], begun);
        // meanwhile the first was handed over, and the second renewed
        second = second with { LeaseCounter = 2 };
        observer.Glance([second], _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(3));
        observer.Observe([first with { LeaseOwner = "third", TakenBy = "third", LeaseCounter = 7 }, second], _clock.GetTimestamp());

        Assert.False(observer.IsFree(second));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("third")]
    public void A_worker_that_has_released_its_bell_is_alive(string? successor)
    {
        var observer = new LeaseObserver(TimeSpan.FromSeconds(10), _clock);
        var bell = new Lease { LeaseKey = "0", LeaseOwner = "other", TakenBy = "other", LeaseCounter = 5 };
        observer.Observe([bell], _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(9));
        observer.Observe([bell], _clock.GetTimestamp());
        Lease released = bell with { LeaseOwner = successor, TakenBy = successor is null ? null : "other", LeaseCounter = 6 };
        var given = new Lease { LeaseKey = "1", LeaseOwner = "other", TakenBy = "third", LeaseCounter = 1 };
        observer.Observe([released, given], _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(5));
        observer.Observe([released, given], _clock.GetTimestamp());

        Assert.False(observer.IsFree(given));
    }

    [Fact]
    public void A_row_read_with_delay_changes_nothing()
    {
        var observer = new LeaseObserver(TimeSpan.FromSeconds(10), _clock);
        var lease = new Lease { LeaseKey = "0", LeaseOwner = "other", LeaseCounter = 5 };
        observer.Observe([lease], _clock.GetTimestamp());
        observer.Glance([lease with { LeaseCounter = 6 }], _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(9));
        observer.Glance([lease], _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(observer.IsFree(lease with { LeaseCounter = 6 }));
        Assert.False(observer.IsFree(lease));
    }
}
