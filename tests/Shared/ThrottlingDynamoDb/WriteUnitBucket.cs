namespace FastConsumer.Shared.ThrottlingDynamoDb;

/// <summary>A token bucket of write units: filled at a steady rate up to a burst. Thread-safe.</summary>
public sealed class WriteUnitBucket(TimeProvider timeProvider)
{
    private readonly Lock _lock = new();
    private double _rate = double.PositiveInfinity;
    private double _capacity;
    private double _units;
    private long _filledAt;

    /// <summary>Units per second; infinite while there is no limit.</summary>
    public double Rate
    {
        get
        {
            lock (_lock)
            {
                return _rate;
            }
        }
    }

    /// <summary>Sets the limit; the bucket is full then.</summary>
    public void SetLimit(double unitsPerSecond, double burst)
    {
        lock (_lock)
        {
            _rate = unitsPerSecond;
            _capacity = burst;
            _units = burst;
            _filledAt = timeProvider.GetTimestamp();
        }
    }

    /// <summary>Takes units, all or none.</summary>
    public bool TryTake(int units)
    {
        lock (_lock)
        {
            if (double.IsPositiveInfinity(_rate))
            {
                return true;
            }

            long now = timeProvider.GetTimestamp();
            _units = Math.Min(_capacity, _units + (_rate * timeProvider.GetElapsedTime(_filledAt, now).TotalSeconds));
            _filledAt = now;
            if (_units < units)
            {
                return false;
            }

            _units -= units;
            return true;
        }
    }
}
