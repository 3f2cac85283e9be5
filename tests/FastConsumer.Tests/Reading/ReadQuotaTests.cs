using FastConsumer.Reading;
using FastConsumer.Testing;

namespace FastConsumer.Tests.Reading;

public sealed class ReadQuotaTests
{
    private const long QuotaBytes = 2 * 1024 * 1024;
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    private readonly ManualClock _clock = new();

    [Fact]
    public void Never_more_than_five_calls_or_two_mebibytes_a_second()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var quota = new ReadQuota(_clock, random);
            List<(TimeSpan At, long Bytes)> calls = [];
            for (int i = 0; i < 200; i++)
            {
                _clock.Advance(quota.UntilNext);
                quota.Start();
                long bytes = random.Next(3) == 0 ? 0 : random.NextInt64(0, 10 * 1024 * 1024);
                calls.Add((Now, bytes));
                _clock.Advance(TimeSpan.FromMilliseconds(random.Next(0, 300)));
                if (random.Next(20) == 0)
                {
                    quota.Throttled();
                    calls[^1] = calls[^1] with { Bytes = 0 };
                }
                else
                {
                    quota.Succeeded(bytes);
                }
            }

            for (int i = 0; i < calls.Count; i++)
            {
                int inSecond = calls.Skip(i).TakeWhile(call => call.At < calls[i].At + s_second).Count();
                Assert.InRange(inSecond, 1, 5);
                // what an answer takes is paid before the next call: over any run of calls the bytes stay within the rate
                long bytes = 0;
                for (int j = i + 1; j < Math.Min(calls.Count, i + 20); j++)
                {
                    bytes += calls[j - 1].Bytes;
                    Assert.True(bytes <= ((calls[j].At - calls[i].At).TotalSeconds * QuotaBytes) + 16, $"seed {seed}: {bytes} bytes within {calls[j].At - calls[i].At}");
                }
            }
        }
    }

    [Fact]
    public void A_throttle_is_followed_by_a_second_or_more_and_a_slower_pace_that_comes_back()
    {
        var quota = new ReadQuota(_clock, new Random(1));
        quota.Start();
        TimeSpan first = quota.Throttled();
        Assert.InRange(first, s_second, 1.5 * s_second);
        Assert.Equal(first, quota.UntilNext);
        _clock.Advance(first);
        quota.Start();
        Assert.InRange(quota.Throttled(), 2 * s_second, 3 * s_second);
        for (int i = 0; i < 20; i++)
        {
            quota.Start();
            Assert.InRange(quota.Throttled(), s_second, TimeSpan.FromSeconds(15));
        }

        quota.Start();
        quota.Succeeded(0);
        Assert.True(quota.UntilNext > ReadQuota.MinimumInterval);
        for (int i = 0; i < 500; i++)
        {
            quota.Start();
            quota.Succeeded(0);
        }

        Assert.Equal(ReadQuota.MinimumInterval, quota.UntilNext);
    }

    [Fact]
    public void Ten_mebibytes_are_followed_by_five_seconds()
    {
        var quota = new ReadQuota(_clock, new Random(1));
        quota.Start();
        quota.Succeeded(10 * 1024 * 1024);
        Assert.Equal(TimeSpan.FromSeconds(5), quota.UntilNext);
    }

    [Fact]
    public void An_idle_shard_is_read_at_the_idle_pace()
    {
        var quota = new ReadQuota(_clock, new Random(1));
        Assert.Equal(TimeSpan.Zero, quota.UntilNext);
        quota.Start();
        quota.Succeeded(0);
        quota.SlowTo(s_second);
        Assert.Equal(s_second, quota.UntilNext);
        quota.SlowTo(TimeSpan.FromMilliseconds(1));
        Assert.Equal(s_second, quota.UntilNext);
    }

    private TimeSpan Now => TimeSpan.FromTicks(_clock.GetTimestamp());
}
