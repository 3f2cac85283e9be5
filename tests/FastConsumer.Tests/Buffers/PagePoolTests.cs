using System.Runtime.CompilerServices;
using FastConsumer.Buffers;
using FastConsumer.Testing;

namespace FastConsumer.Tests.Buffers;

public class PagePoolTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(81_920)]
    [InlineData(81_921)]
    [InlineData(100_000)]
    [InlineData(1_048_576)]
    [InlineData(1_048_577)]
    [InlineData(10_485_760)]
    public void Gives_at_least_what_was_asked_for_and_little_more_where_it_is_much(int length)
    {
        var pool = PagePool<byte>.Create();
        byte[] array = pool.Rent(length);
        Assert.InRange(array.Length, length, length <= 65_536 ? Math.Max(length * 2, 16) : (length * 5 / 4) + 1);
        pool.Return(array);
    }

    [Fact]
    public void Every_length_is_given_the_class_it_comes_back_to()
    {
        var pool = PagePool<byte>.Create();
        for (int length = 65_537; length < 40_000_000; length += length / 7)
        {
            byte[] array = pool.Rent(length);
            pool.Return(array);
            Assert.Same(array, pool.Rent(length));
            Assert.NotSame(array, pool.Rent(length));
        }
    }

    [Fact]
    public async Task What_one_thread_returns_another_finds()
    {
        var pool = PagePool<long>.Create();
        long[] array = pool.Rent(100_000);
        pool.Return(array);
        long[] found = await Task.Run(() => pool.Rent(100_000), TestContext.Current.CancellationToken);
        Assert.Same(array, found);
    }

    [Fact]
    public void What_lay_unused_between_two_trims_is_given_up()
    {
        var pool = PagePool<byte>.Create();
        byte[] used = pool.Rent(200_000);
        byte[] idle = pool.Rent(200_000);
        pool.Return(idle);
        pool.Return(used);
        pool.Trim();
        Assert.Same(used, pool.Rent(200_000));
        pool.Return(used);
        pool.Trim();
        Assert.Same(used, pool.Rent(200_000));
        Assert.NotSame(idle, pool.Rent(200_000));
    }

    [Fact]
    public void What_a_burst_leaves_is_given_up_by_time_alone()
    {
        var clock = new ManualClock();
        var pool = PagePool<byte>.Create(clock);
        byte[] used = pool.Rent(200_000);
        List<WeakReference> burst = Burst(pool, 20);
        pool.Return(used);
        for (int i = 0; i < 2; i++)
        {
            // a worker that goes on reading a little
            Assert.Same(used, pool.Rent(200_000));
            pool.Return(used);
            clock.Advance(PagePool<byte>.TrimInterval);
        }

        GC.Collect();
        Assert.DoesNotContain(burst, static array => array.IsAlive);
        Assert.Same(used, pool.Rent(200_000));
    }

    [Fact]
    public void A_pool_that_nobody_uses_any_more_empties_and_lets_its_timer_rest()
    {
        var clock = new ManualClock();
        var pool = PagePool<byte>.Create(clock);
        for (int round = 0; round < 2; round++)
        {
            List<WeakReference> burst = Burst(pool, 20);
            clock.Advance(2 * PagePool<byte>.TrimInterval);
            GC.Collect();
            Assert.DoesNotContain(burst, static array => array.IsAlive);
            Assert.Equal((0, true), pool.Trim());
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static List<WeakReference> Burst(PagePool<byte> pool, int count)
    {
        byte[][] arrays = [.. Enumerable.Range(0, count).Select(_ => pool.Rent(200_000))];
        Array.ForEach(arrays, array => pool.Return(array));
        return [.. arrays.Select(static array => new WeakReference(array))];
    }

    [Fact]
    public void Arrays_of_other_lengths_go_to_the_shared_pool()
    {
        var pool = PagePool<byte>.Create();
        Assert.Throws<ArgumentException>(() => pool.Return(new byte[70_001]));
        byte[] small = pool.Rent(100);
        pool.Return(small);
    }
}
