// Background work that the life cycle owns: started and stopped with the shard.
using FastConsumer;

namespace Corpus.LifeCycle;

[KinesisProcessor("clicks", JsonContext = typeof(CorpusJson))]
public sealed partial class TimedProcessor(IOrderBook book) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Timer? _timer;
    private Task _flushing = Task.CompletedTask;
    private int _count;

    [OnShardStarted]
    public void Start(ShardContext shard)
    {
        _timer = new Timer(_ => Interlocked.Exchange(ref _count, 0), null, 1000, 1000);
        _flushing = FlushAsync(shard.ShardId);
    }

    [OnRecord]
    public void Handle(Click click) => Interlocked.Increment(ref _count);

    [OnStopping]
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _flushing;
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _stop.Dispose();
    }

    private async Task FlushAsync(string shard)
    {
        while (!_stop.IsCancellationRequested)
        {
            await book.FindAsync(shard, _stop.Token);
        }
    }
}
