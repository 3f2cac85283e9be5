namespace FastConsumer.Testing.Engine;

/// <summary>What the service allows a number of times in any 24 hours. Guarded by its stream's lock.</summary>
internal sealed class DailyAllowance(int most)
{
    private const long DayMs = 24 * 3_600_000L;
    private readonly Queue<long> _times = [];

    public int Most { get; } = most;

    /// <summary>Takes one; false where the last 24 hours have had all.</summary>
    public bool TryTake(long nowMs)
    {
        while (_times.TryPeek(out long oldest) && nowMs - oldest >= DayMs)
        {
            _times.Dequeue();
        }

        if (_times.Count >= Most)
        {
            return false;
        }

        _times.Enqueue(nowMs);
        return true;
    }
}
