namespace FastConsumer.DynamoDb;

/// <summary>
/// Tells a running fleet of KCL 3.x from what one left behind: by evidence that changes between two looks at the table. No clocks
/// are compared. Thread-safe.
/// </summary>
internal sealed class Kcl3FleetWatch(TimeProvider timeProvider, TimeSpan quietTime)
{
    private readonly Lock _lock = new();
    private Dictionary<string, string> _seen = new(StringComparer.Ordinal);
    private (string Place, long At)? _moved;

    /// <summary>Takes in what the table holds now.</summary>
    /// <returns>What has changed last, where that was within the quiet time: a fleet is running. Else null.</returns>
    public string? Observe(IEnumerable<Kcl3Evidence> evidence)
    {
        lock (_lock)
        {
            long now = timeProvider.GetTimestamp();
            // what is no longer in the table is forgotten: each start of a KCL worker adds a row of a name that never comes again
            Dictionary<string, string> current = new(StringComparer.Ordinal);
            foreach (Kcl3Evidence found in evidence)
            {
                if (_seen.TryGetValue(found.Id, out string? before) && before != found.State)
                {
                    _moved = (found.Place, now);
                }

                current[found.Id] = found.State;
            }

            _seen = current;

            return _moved is { } moved && timeProvider.GetElapsedTime(moved.At, now) < quietTime ? moved.Place : null;
        }
    }
}
