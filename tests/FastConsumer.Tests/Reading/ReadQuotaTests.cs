using FastConsumer.Reading;
using FastConsumer.Testing;

namespace FastConsumer.Tests.Reading;

public sealed class ReadQuotaTests
{
    private const int MiB = 1024 * 1024;
    private const long QuotaBytes = 2 * MiB;
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    private readonly ManualClock _clock = new();

    [Fact]
    public void Never_more_than_five_calls_or_two_mebibytes_a_second()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            ReadQuota quota = Create(seed);
            List<(TimeSpan At, long Bytes)> calls = [];
            for (int i = 0; i < 200; i++)
            {
                _clock.Advance(quota.UntilNext);
                quota.Start();
                long bytes = random.Next(3) == 0 ? 0 : random.NextInt64(0, 10 * MiB);
                _clock.Advance(TimeSpan.FromMilliseconds(random.Next(0, 300)));
                if (random.Next(20) == 0)
                {
                    quota.Throttled();
                }
                else
                {
                    // counted by the service at any time up to its answer, so at the latest now
                    calls.Add((Now, bytes));
                    quota.Succeeded(100, bytes, 1000);
                }
            }

            for (int i = 0; i < calls.Count; i++)
            {
                Assert.InRange(calls.Skip(i).TakeWhile(call => call.At < calls[i].At + s_second).Count(), 1, 5);
                // a second's bytes are there at once; what an answer brings beyond them is paid before the next call
                long bytes = 0;
                for (int j = i + 1; j < Math.Min(calls.Count, i + 20); j++)
                {
                    bytes += calls[j - 1].Bytes;
                    Assert.True(
                        bytes < ((calls[j].At - calls[i].At).TotalSeconds + 1) * QuotaBytes,
                        $"seed {seed}: {bytes} bytes within {calls[j].At - calls[i].At}");
                }
            }
        }
    }

    [Fact]
    public void A_throttle_is_followed_by_a_second_or_more()
    {
        ReadQuota quota = Create(1);
        for (int i = 0; i < 20; i++)
        {
            quota.Start();
            TimeSpan wait = quota.Throttled();
            Assert.InRange(wait, s_second, 4 * s_second);
            Assert.InRange(quota.UntilNext, wait - TimeSpan.FromMilliseconds(1), wait + TimeSpan.FromMilliseconds(1));
            _clock.Advance(wait);
        }
    }

    [Fact]
    public void Refusals_shrink_the_share_and_successes_bring_it_back()
    {
        ReadQuota quota = Create(1);
        Read(quota, TimeSpan.FromSeconds(20));
        Assert.Equal(1, quota.Share);
        Refuse(quota);
        Assert.Equal(0.5, quota.Share);
        for (int i = 0; i < 6; i++)
        {
            Refuse(quota);
            Read(quota, s_second);
        }

        Assert.InRange(quota.Share, 0.2, 0.34);
        Read(quota, TimeSpan.FromMinutes(5));
        Assert.Equal(1, quota.Share);
    }

    [Fact]
    public void Refusals_without_a_success_between_them_shrink_it_once()
    {
        ReadQuota quota = Create(1);
        Read(quota, TimeSpan.FromSeconds(20));
        for (int i = 0; i < 10; i++)
        {
            Refuse(quota);
        }

        Assert.Equal(0.5, quota.Share);
    }

    [Fact]
    public void Ten_mebibytes_are_followed_by_five_seconds()
    {
        ReadQuota quota = Create(1);
        quota.Start();
        quota.Succeeded(1, 10 * MiB, 1000);
        Assert.InRange(quota.UntilNext, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(6));
    }

    [Fact]
    public void An_answer_that_a_huge_record_cut_short_counts_as_a_full_one()
    {
        ReadQuota quota = Create(1);
        quota.Start();
        quota.Succeeded(1, 5 * MiB, 1000);
        Assert.InRange(quota.UntilNext, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(6));
    }

    [Fact]
    public void Answers_are_asked_for_in_a_size_that_fits_the_pace()
    {
        ReadQuota quota = Create(1);
        Assert.InRange(quota.Start(), 1, 16);
        quota.Succeeded(4, 4 * 1024, 1000);
        Read(quota, TimeSpan.FromSeconds(20));
        Assert.InRange(quota.Start() * 1024.0, 0.9 * MiB, MiB);
    }

    [Fact]
    public void An_idle_shard_is_read_at_the_idle_pace_which_slows_down_beside_others()
    {
        ReadQuota quota = Create(1);
        Assert.Equal(TimeSpan.Zero, quota.UntilNext);
        quota.Start();
        quota.Succeeded(0, 0, 0);
        Pass(quota);
        quota.Start();
        quota.Succeeded(0, 0, 0);
        Assert.InRange(quota.UntilNext, TimeSpan.FromMilliseconds(380), TimeSpan.FromMilliseconds(420));

        for (int i = 0; i < 5; i++)
        {
            Refuse(quota);
        }

        quota.Start();
        quota.Succeeded(0, 0, 0);
        Assert.InRange(quota.UntilNext, s_second, TimeSpan.FromMilliseconds(1300));
    }

    [Fact]
    public void Shards_that_start_together_are_out_of_step_after_the_first_call()
    {
        TimeSpan[] waits = [.. Enumerable.Range(1, 300).Select(seed =>
        {
            ReadQuota quota = Create(seed);
            quota.Start();
            quota.Succeeded(0, 0, 0);
            return quota.UntilNext;
        })];
        Assert.All(waits, static wait => Assert.InRange(wait, TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(600)));
        // ten parts of the interval have some thirty each
        Assert.All(waits.GroupBy(static wait => (int)(wait.TotalMilliseconds / 40)), static part => Assert.InRange(part.Count(), 10, 60));
    }

    private void Pass(ReadQuota quota) => _clock.Advance(quota.UntilNext + TimeSpan.FromTicks(1));

    private ReadQuota Create(int seed) => new(_clock, new Random(seed), 10_000, TimeSpan.FromMilliseconds(400));

    /// <summary>Answers of records of 1 KiB, as many as are asked for.</summary>
    private void Read(ReadQuota quota, TimeSpan duration)
    {
        TimeSpan end = Now + duration;
        while (Now < end)
        {
            _clock.Advance(quota.UntilNext);
            int records = quota.Start();
            quota.Succeeded(records, records * 1024L, 1000);
        }
    }

    private void Refuse(ReadQuota quota)
    {
        _clock.Advance(quota.UntilNext);
        quota.Start();
        quota.Throttled();
    }

    private TimeSpan Now => TimeSpan.FromTicks(_clock.GetTimestamp());
}
