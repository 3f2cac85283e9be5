using System.Collections.Concurrent;
using System.Globalization;

namespace FastConsumer.LoadTest.Lanes;

/// <summary>Handles records by waiting, and sees that each key keeps its order.</summary>
internal sealed class LaneTally(TimeSpan handling)
{
    private readonly ConcurrentDictionary<string, int> _lastByKey = new();
    private long _started;
    private long _ended;
    private int _done;
    private int _outOfOrder;

    public int Done => Volatile.Read(ref _done);

    /// <summary>Records that began before, or while, an earlier one of their key ran.</summary>
    public int OutOfOrder => Volatile.Read(ref _outOfOrder);

    /// <summary>From the first record's start to the last one's end.</summary>
    public TimeSpan Taken => TimeProvider.System.GetElapsedTime(Volatile.Read(ref _started), Volatile.Read(ref _ended));

    public async ValueTask HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        Interlocked.CompareExchange(ref _started, TimeProvider.System.GetTimestamp(), 0);
        string key = record.PartitionKey;
        int number = int.Parse(record.DataSpan, CultureInfo.InvariantCulture);
        if (_lastByKey.GetValueOrDefault(key, -1) != number - 1)
        {
            Interlocked.Increment(ref _outOfOrder);
        }

        await Task.Delay(handling, TimeProvider.System, cancellationToken);
        _lastByKey[key] = number;
        Volatile.Write(ref _ended, TimeProvider.System.GetTimestamp());
        Interlocked.Increment(ref _done);
    }
}
