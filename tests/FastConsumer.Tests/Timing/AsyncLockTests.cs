using FastConsumer.Timing;

namespace FastConsumer.Tests.Timing;

public sealed class AsyncLockTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Lets_one_in_at_a_time_in_the_order_of_their_coming()
    {
        var door = new AsyncLock();
        await door.EnterAsync(Token);
        Task second = door.EnterAsync(Token).AsTask();
        Task third = door.EnterAsync(Token).AsTask();
        Assert.True(door.IsHeld);
        Assert.False(second.IsCompleted);

        door.Exit();
        await second;
        Assert.False(third.IsCompleted);
        door.Exit();
        await third;
        door.Exit();
        Assert.False(door.IsHeld);
    }

    [Fact]
    public async Task Who_is_cancelled_leaves_and_the_next_one_gets_the_turn()
    {
        var door = new AsyncLock();
        await door.EnterAsync(Token);
        using var impatient = new CancellationTokenSource();
        Task second = door.EnterAsync(impatient.Token).AsTask();
        Task third = door.EnterAsync(Token).AsTask();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);

        door.Exit();
        await third;
        door.Exit();
        Assert.False(door.IsHeld);
    }

    [Fact]
    public async Task A_token_that_is_cancelled_already_gets_no_turn()
    {
        var door = new AsyncLock();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => door.EnterAsync(new CancellationToken(canceled: true)).AsTask());
        Assert.False(door.IsHeld);
    }

    [Fact]
    public async Task A_cancellation_behind_the_turn_changes_nothing()
    {
        var door = new AsyncLock();
        await door.EnterAsync(Token);
        using var late = new CancellationTokenSource();
        Task second = door.EnterAsync(late.Token).AsTask();
        door.Exit();
        await late.CancelAsync();
        await second;
        Assert.True(door.IsHeld);
    }

    [Fact]
    public async Task Holds_when_many_come_at_once()
    {
        var door = new AsyncLock();
        int inside = 0;
        int most = 0;
        await Parallel.ForAsync(0, 2000, Token, async (_, cancellationToken) =>
        {
            await door.EnterAsync(cancellationToken);
            most = Math.Max(most, ++inside);
            await Task.Yield();
            inside--;
            door.Exit();
        });
        Assert.Equal(1, most);
        Assert.False(door.IsHeld);
    }
}
