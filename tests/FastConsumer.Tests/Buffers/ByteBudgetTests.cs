using FastConsumer.Buffers;
using FastConsumer.Tests.Hosting;

namespace FastConsumer.Tests.Buffers;

public sealed class ByteBudgetTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_fits_is_granted_and_the_rest_waits_in_order()
    {
        var budget = new ByteBudget(100);
        ByteBudget.Account[] accounts = [budget.OpenAccount(), budget.OpenAccount(), budget.OpenAccount()];
        ByteBudget.Reservation[] first = [
            .. await Task.WhenAll(accounts.Select(static account => account.ReserveAsync(30, Cancellation).AsTask()))];
        Task<ByteBudget.Reservation> large = accounts[0].ReserveAsync(60, Cancellation).AsTask();
        Task<ByteBudget.Reservation> small = accounts[1].ReserveAsync(5, Cancellation).AsTask();
        // it would fit, and nobody overtakes
        Assert.False(small.IsCompleted);
        first[2].Dispose();
        Assert.False(large.IsCompleted);
        first[1].Dispose();
        // the second account holds nothing now, so it is served at once; the large one when there is room
        (await Eventually.WithinAsync(small)).Dispose();
        (await Eventually.WithinAsync(large)).Dispose();
        first[0].Dispose();
        Assert.Equal(0, budget.Used);
    }

    [Fact]
    public async Task Another_capacity_holds_at_once_for_those_who_wait_and_for_those_who_come()
    {
        var budget = new ByteBudget(100);
        ByteBudget.Account one = budget.OpenAccount();
        ByteBudget.Reservation held = await one.ReserveAsync(100, Cancellation);
        Task<ByteBudget.Reservation> waits = one.ReserveAsync(50, Cancellation).AsTask();
        Assert.False(waits.IsCompleted);
        budget.Resize(150);
        ByteBudget.Reservation more = await Eventually.WithinAsync(waits);
        budget.Resize(60);
        Assert.Equal(60, budget.Capacity);
        more.Dispose();
        // 100 are held, more than there may be
        Task<ByteBudget.Reservation> later = one.ReserveAsync(10, Cancellation).AsTask();
        Assert.False(later.IsCompleted);
        held.Dispose();
        (await Eventually.WithinAsync(later)).Dispose();
        Assert.Equal(0, budget.Used);
        Assert.Throws<ArgumentOutOfRangeException>(() => budget.Resize(0));
    }

    [Fact]
    public async Task An_account_that_holds_nothing_is_always_served()
    {
        var budget = new ByteBudget(10);
        ByteBudget.Reservation full = await budget.OpenAccount().ReserveAsync(1000, Cancellation);
        ByteBudget.Reservation other = await Eventually.WithinAsync(budget.OpenAccount().ReserveAsync(1000, Cancellation).AsTask());
        Assert.Equal(2000, budget.Used);
        full.Dispose();
        other.Dispose();
        Assert.Equal(0, budget.Used);
    }

    [Fact]
    public async Task Who_gives_up_waiting_makes_way_for_those_behind()
    {
        var budget = new ByteBudget(100);
        ByteBudget.Account one = budget.OpenAccount();
        ByteBudget.Account two = budget.OpenAccount();
        ByteBudget.Reservation held1 = await one.ReserveAsync(40, Cancellation);
        ByteBudget.Reservation held2 = await two.ReserveAsync(40, Cancellation);
        using var giveUp = new CancellationTokenSource();
        Task<ByteBudget.Reservation> large = one.ReserveAsync(60, giveUp.Token).AsTask();
        Task<ByteBudget.Reservation> small = two.ReserveAsync(10, Cancellation).AsTask();
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        (await Eventually.WithinAsync(small)).Dispose();
        held1.Dispose();
        held2.Dispose();
        Assert.Equal(0, budget.Used);
    }

    [Fact]
    public async Task A_corrected_estimate_counts_and_a_second_return_does_not()
    {
        var budget = new ByteBudget(100);
        ByteBudget.Account account = budget.OpenAccount();
        ByteBudget.Reservation reservation = await account.ReserveAsync(50, Cancellation);
        reservation.Resize(80);
        Assert.Equal(80, budget.Used);
        Task<ByteBudget.Reservation> next = account.ReserveAsync(50, Cancellation).AsTask();
        Assert.False(next.IsCompleted);
        reservation.Resize(10);
        (await Eventually.WithinAsync(next)).Dispose();
        reservation.Dispose();
        reservation.Dispose();
        Assert.Equal(0, budget.Used);
    }

    [Fact]
    public async Task Many_shards_at_once_stay_within_the_bound_and_end_at_zero()
    {
        const int Shards = 20;
        const int Answer = 10;
        var budget = new ByteBudget(50);
        long most = 0;
        await Eventually.WithinAsync(Task.WhenAll(Enumerable.Range(0, Shards).Select(shard => Task.Run(
            async () =>
            {
                var random = new Random(shard);
                ByteBudget.Account account = budget.OpenAccount();
                List<ByteBudget.Reservation> held = [];
                for (int i = 0; i < 300; i++)
                {
                    using var giveUp = new CancellationTokenSource();
                    ValueTask<ByteBudget.Reservation> wait = account.ReserveAsync(random.Next(1, Answer + 1), giveUp.Token);
                    if (!wait.IsCompleted)
                    {
                        // as handlers do that finish their pages while the reader waits
                        held.ForEach(static reservation => reservation.Dispose());
                        held.Clear();
                    }

                    if (random.Next(4) == 0)
                    {
                        await giveUp.CancelAsync();
                    }

                    try
                    {
                        held.Add(await wait);
                        InterlockedMax(ref most, budget.Used);
                    }
                    catch (OperationCanceledException)
                    {
                        // given up
                    }

                    if (held.Count > 3)
                    {
                        held.ForEach(static reservation => reservation.Dispose());
                        held.Clear();
                    }
                }

                held.ForEach(static reservation => reservation.Dispose());
            },
            Cancellation))));
        Assert.Equal(0, budget.Used);
        Assert.InRange(most, 1, 50 + (Shards * Answer));
    }

    [Theory]
    [InlineData(64L, 16L)]
    [InlineData(192L, 24L)]
    [InlineData(1024L, 128L)]
    [InlineData(2048L, 256L)]
    [InlineData(1024L * 1024, 256L)]
    public void The_default_follows_the_memory_that_there_is(long availableMiB, long capacityMiB)
    {
        long available = availableMiB << 20;
        long capacity = ByteBudget.DefaultCapacity(available);
        Assert.Equal(capacityMiB << 20, capacity);
        Assert.True(ByteBudget.Fits(capacity, available));
    }

    [Fact]
    public void More_than_half_of_the_memory_does_not_fit()
    {
        Assert.True(ByteBudget.Fits(96L << 20, 192L << 20));
        Assert.False(ByteBudget.Fits((96L << 20) + 1, 192L << 20));
        Assert.False(ByteBudget.Fits(256L << 20, 192L << 20));
    }

    private static void InterlockedMax(ref long target, long value)
    {
        long seen;
        while ((seen = Volatile.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
        {
            // another thread came first
        }
    }
}
