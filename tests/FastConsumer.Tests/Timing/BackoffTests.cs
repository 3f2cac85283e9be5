using FastConsumer.Timing;

namespace FastConsumer.Tests.Timing;

public sealed class BackoffTests
{
    [Fact]
    public void Delays_grow_with_jitter_up_to_the_maximum_and_begin_anew_after_a_success()
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1), new Random(1));
        double bound = 100;
        for (int i = 0; i < 20; i++)
        {
            Assert.InRange(backoff.Next().TotalMilliseconds, bound / 2, bound);
            bound = Math.Min(1000, bound * 2);
        }

        backoff.Reset();
        Assert.InRange(backoff.Next().TotalMilliseconds, 50, 100);
    }
}
