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
        observer.Observe([lease]);
        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(observer.IsFree(lease));
        observer.Observe([lease]);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(observer.IsFree(lease));

        Lease renewed = lease with { LeaseCounter = 6 };
        observer.Observe([renewed]);
        Assert.False(observer.IsFree(renewed));
    }

    [Fact]
    public void A_lease_is_not_free_before_it_was_seen_and_starts_anew_after_it_was_gone()
    {
        var observer = new LeaseObserver(TimeSpan.FromSeconds(10), _clock);
        var lease = new Lease { LeaseKey = "0", LeaseOwner = "other", LeaseCounter = 5 };
        Assert.False(observer.IsFree(lease));
        observer.Observe([lease]);
        _clock.Advance(TimeSpan.FromSeconds(10));
        observer.Observe([]);
        observer.Observe([lease]);
        Assert.False(observer.IsFree(lease));
    }

    [Fact]
    public void A_new_owner_starts_anew_and_nobodys_lease_is_free()
    {
        var observer = new LeaseObserver(TimeSpan.FromSeconds(10), _clock);
        var lease = new Lease { LeaseKey = "0", LeaseOwner = "other", LeaseCounter = 5 };
        observer.Observe([lease]);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Lease taken = lease with { LeaseOwner = "third" };
        observer.Observe([taken]);
        Assert.False(observer.IsFree(taken));
        Assert.True(observer.IsFree(lease with { LeaseOwner = null }));
    }
}
