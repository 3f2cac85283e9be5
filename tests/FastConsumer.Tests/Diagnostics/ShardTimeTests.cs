using FastConsumer.Diagnostics;
using FastConsumer.Testing;
using FsCheck;
using FsCheck.Fluent;

namespace FastConsumer.Tests.Diagnostics;

public sealed class ShardTimeTests
{
    private readonly ManualClock _clock = new();
    private readonly ShardTime _time;

    public ShardTimeTests()
    {
        // it began before
        _clock.Advance(TimeSpan.FromHours(1));
        _time = new ShardTime(_clock);
    }

    [Fact]
    public void Whatever_it_does_the_states_sum_up_to_the_time_since_the_start()
    {
        // a state to enter, or 9 and 10 for the begin and the end of a retry; and milliseconds
        Gen<(int Step, int Milliseconds)[]> lives =
            from steps in (from step in Gen.Choose(0, 10) from time in Gen.Choose(0, 100_000) select (step, time)).ListOf()
            select steps.ToArray();
        Prop.ForAll(lives.ToArbitrary(), static life =>
        {
            var clock = new ManualClock();
            clock.Advance(TimeSpan.FromMinutes(3));
            var time = new ShardTime(clock);
            int retries = 0;
            double elapsed = 0;
            double[] expected = new double[ShardTime.States];
            ShardState entered = ShardState.Idle;
            foreach ((int step, int milliseconds) in life)
            {
                if (step < ShardTime.States)
                {
                    time.Enter((ShardState)step);
                    entered = entered == ShardState.Stopped ? entered : (ShardState)step;
                }
                else if (step == 9)
                {
                    time.RetryBegins();
                    retries++;
                }
                else if (retries > 0)
                {
                    time.RetryEnds();
                    retries--;
                }

                ShardState state = entered == ShardState.Handling && retries > 0 ? ShardState.Retrying : entered;
                Assert.Equal(state, time.State);
                clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
                elapsed += milliseconds / 1000.0;
                expected[(int)state] += milliseconds / 1000.0;
                double[] seconds = Seconds(time);
                Assert.Equal(elapsed, seconds.Sum(), 6);
                for (int i = 0; i < ShardTime.States; i++)
                {
                    Assert.Equal(expected[i], seconds[i], 6);
                }
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithQuietOnSuccess(true));
    }

    [Fact]
    public void It_retries_only_while_a_lane_waits_for_a_retry_and_the_reader_waits_for_the_handler()
    {
        _time.Enter(ShardState.Reading);
        _time.RetryBegins();
        Assert.Equal(ShardState.Reading, _time.State);
        Pass(1);
        _time.Enter(ShardState.Handling);
        Assert.Equal(ShardState.Retrying, _time.State);
        Pass(2);
        // another lane too: it goes on until none waits
        _time.RetryBegins();
        Pass(3);
        _time.RetryEnds();
        Assert.Equal(ShardState.Retrying, _time.State);
        Pass(4);
        _time.RetryEnds();
        Assert.Equal(ShardState.Handling, _time.State);
        Pass(5);
        _time.Enter(ShardState.Idle);
        Pass(6);
        double[] seconds = Seconds(_time);
        Assert.Equal(1, seconds[(int)ShardState.Reading], 6);
        Assert.Equal(9, seconds[(int)ShardState.Retrying], 6);
        Assert.Equal(5, seconds[(int)ShardState.Handling], 6);
        Assert.Equal(6, seconds[(int)ShardState.Idle], 6);
    }

    [Fact]
    public void One_that_has_stopped_stays_so()
    {
        _time.Enter(ShardState.Handling);
        Pass(1);
        _time.Enter(ShardState.Stopped);
        _time.RetryBegins();
        foreach (ShardState state in Enum.GetValues<ShardState>())
        {
            _time.Enter(state);
            Assert.Equal(ShardState.Stopped, _time.State);
            Pass(1);
        }

        Assert.Equal(ShardTime.States, Seconds(_time)[(int)ShardState.Stopped], 6);
    }

    [Fact]
    public void Threads_may_enter_and_look_at_the_same_time()
    {
        Thread[] threads = [.. Enumerable.Range(0, 3).Select(n => new Thread(() =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                _time.Enter((ShardState)((i + n) % (int)ShardState.Stopped));
                _time.RetryBegins();
                _time.RetryEnds();
            }
        }))];
        Array.ForEach(threads, static thread => thread.Start());
        for (int i = 0; i < 1000; i++)
        {
            Pass(0.01);
            Assert.Equal((i + 1) * 0.01, Seconds(_time).Sum(), 6);
        }

        Array.ForEach(threads, static thread => thread.Join());
        _time.Enter(ShardState.Handling);
        // no retry is left over
        Assert.Equal(ShardState.Handling, _time.State);
    }

    private static double[] Seconds(ShardTime time)
    {
        double[] seconds = new double[ShardTime.States];
        time.AddTo(seconds);
        return seconds;
    }

    private void Pass(double seconds) => _clock.Advance(TimeSpan.FromSeconds(seconds));
}
