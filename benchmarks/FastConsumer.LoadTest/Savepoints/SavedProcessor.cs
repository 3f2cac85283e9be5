using System.Text;

namespace FastConsumer.LoadTest.Savepoints;

/// <summary>What handlers have done. All workers of this process share it.</summary>
internal sealed class SavedTally(TimeProvider time)
{
    private readonly Lock _lock = new();
    private long _last;

    public long Records { get; private set; }

    /// <summary>The longest time without a record since <see cref="Watch"/>.</summary>
    public TimeSpan LongestPause { get; private set; }

    public void Watch()
    {
        lock (_lock)
        {
            _last = time.GetTimestamp();
            LongestPause = TimeSpan.Zero;
        }
    }

    public void Handled()
    {
        lock (_lock)
        {
            Records++;
            TimeSpan pause = time.GetElapsedTime(_last);
            LongestPause = pause > LongestPause ? pause : LongestPause;
            _last = time.GetTimestamp();
        }
    }
}

/// <summary>Keeps how many records a key had, and the last of them.</summary>
[KinesisProcessor("saved", JsonContext = typeof(SavepointJson))]
internal sealed partial class SavedProcessor(SavedTally tally)
{
    [State("counts")]
    private partial KeyedState<long> Counts { get; }

    [State("last")]
    private partial KeyedState<string> Last { get; }

    [OnRecord]
    public void Handle(ReadOnlySpan<byte> data, RecordContext context)
    {
        Counts.Of(context).Edit()++;
        Last.Of(context).Set(Encoding.ASCII.GetString(data));
        tally.Handled();
    }
}
