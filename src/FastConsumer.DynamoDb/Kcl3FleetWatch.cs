namespace FastConsumer.DynamoDb;

/// <summary>
/// Tells a running fleet of KCL 3.x from what one left behind: by signs that change between two looks at the table. No clocks
/// are compared. Thread-safe.
/// </summary>
internal sealed class Kcl3FleetWatch(TimeProvider timeProvider, TimeSpan quietTime)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _seen = new(StringComparer.Ordinal);
    private (string Place, long At)? _moved;

    /// <summary>Takes in what the table holds now.</summary>
    /// <returns>What has changed last, where that was within the quiet time: a fleet is running. Else null.</returns>
    public string? Observe(IEnumerable<Kcl3Sign> signs)
    {
        lock (_lock)
        {
            long now = timeProvider.GetTimestamp();
            foreach (Kcl3Sign sign in signs)
            {
                if (_seen.TryGetValue(sign.Id, out string? before) && before != sign.State)
                {
                    _moved = (sign.Place, now);
                }

                _seen[sign.Id] = sign.State;
            }

            return _moved is { } moved && timeProvider.GetElapsedTime(moved.At, now) < quietTime ? moved.Place : null;
        }
    }
}
