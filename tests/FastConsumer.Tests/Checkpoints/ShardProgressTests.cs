using FastConsumer.Checkpoints;
using FastConsumer.Dispatch;
using FastConsumer.Processors;
using FastConsumer.Tests.Dispatch;
using FastConsumer.Tests.Hosting;

namespace FastConsumer.Tests.Checkpoints;

public sealed class ShardProgressTests : IDisposable
{
    private readonly ShardProgress _progress;
    private int _requested;
    private int _returned;

    public ShardProgressTests() => _progress = new ShardProgress(CheckpointPosition.TrimHorizon, () => _requested++);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _progress.Dispose();

    [Fact]
    public void Done_is_the_contiguous_prefix_over_pages()
    {
        RecordPage first = Dispatch(100, 10);
        RecordPage second = Dispatch(110, 10);
        RecordPage third = Dispatch(120, 10);
        Assert.Equal(CheckpointPosition.TrimHorizon, _progress.Done);
        second.MarkDone(10);
        third.MarkDone(5);
        Assert.Equal(CheckpointPosition.TrimHorizon, _progress.Done);
        first.MarkDone(4);
        Assert.Equal(Pages.At(103), _progress.Done);
        first.MarkDone(10);
        // all three, though nothing was returned yet
        Assert.Equal(Pages.At(124), _progress.Done);
        Assert.Equal(0, _returned);
        Assert.Equal(25, _progress.Advance());
        Assert.Equal(2, _returned);
        Assert.Equal(Pages.At(124), _progress.Done);
        third.MarkDone(10);
        Assert.Equal(5, _progress.Advance());
        Assert.Equal(0, _progress.Advance());
        Assert.Equal(3, _returned);
        Assert.Equal(Pages.At(129), _progress.Done);
    }

    [Fact]
    public void Neither_done_nor_durable_goes_back()
    {
        RecordPage page = Dispatch(100, 10);
        page.MarkDone(5);
        page.MarkDone(3);
        Assert.Equal(Pages.At(104), _progress.Done);
        _progress.MadeDurable(Pages.At(104));
        _progress.MadeDurable(Pages.At(102));
        Assert.Equal(Pages.At(104), _progress.Durable);
    }

    [Fact]
    public async Task A_checkpoint_waits_until_one_at_or_past_it_is_durable()
    {
        RecordPage page = Dispatch(100, 10);
        Task early = _progress.CheckpointAsync(page, 2, 1, Cancellation).AsTask();
        Task late = _progress.CheckpointAsync(page, 5, 1, Cancellation).AsTask();
        Assert.Equal(2, _requested);
        Assert.Equal(Pages.At(105), _progress.Done);
        _progress.MadeDurable(Pages.At(103));
        await Eventually.WithinAsync(early);
        Assert.False(late.IsCompleted);
        _progress.MadeDurable(Pages.At(105));
        await Eventually.WithinAsync(late);
        Assert.True(_progress.CheckpointAsync(page, 4, 1, Cancellation).AsTask().IsCompletedSuccessfully);
    }

    [Fact]
    public async Task A_loss_is_told_to_those_who_wait_and_to_those_who_come_later()
    {
        RecordPage page = Dispatch(100, 10);
        using var token = new CancellationTokenSource();
        Task waiting = _progress.CheckpointAsync(page, 2, 1, token.Token).AsTask();
        _progress.Close(new LeaseLostException("0", "lost"));
        await token.CancelAsync();
        await Assert.ThrowsAsync<LeaseLostException>(() => waiting);
        await Assert.ThrowsAsync<LeaseLostException>(async () => await _progress.CheckpointAsync(page, 3, 1, Cancellation));
        Assert.Equal(3, page.Done);
    }

    [Fact]
    public void What_is_left_is_returned_once()
    {
        RecordPage page = Dispatch(100, 10);
        Dispatch(110, 10);
        page.MarkDone(10);
        _progress.Advance();
        _progress.Dispose();
        _progress.Dispose();
        Assert.Equal(2, _returned);
        Assert.Equal(Pages.At(109), _progress.Done);
    }

    [Fact]
    public void A_reached_barrier_is_done()
    {
        _progress.Reached(new CheckpointBarrier(CheckpointPosition.ShardEnd, lanes: 1));
        Assert.Equal(CheckpointPosition.ShardEnd, _progress.Done);
    }

    private RecordPage Dispatch(int first, int count)
    {
        RecordPage page = Pages.Page(first, count, () => _returned++);
        _progress.Dispatched(page);
        return page;
    }
}
