namespace FastConsumer.CloudWatch;

/// <summary>
/// The measurements of one metric within an interval. Up to <see cref="MostValues"/> are kept as they are; of more, as many values stand
/// for all: the least, the highest, and means of what lies between, so that average, extremes and percentiles stay nearly what they were.
/// Memory is bounded however many there are. Not thread-safe.
/// </summary>
internal sealed class Sample
{
    /// <summary>As many values may one metric of an embedded-metric-format object have.</summary>
    public const int MostValues = 100;

    private const int Capacity = 1024;

    private readonly List<double> _kept = [];
    private long _stride = 1;
    private double _least;
    private double _highest;

    /// <summary>Whether it is told although there were none.</summary>
    public bool IsExpected { get; set; }

    /// <summary>How many there were.</summary>
    public long Count { get; private set; }

    /// <summary>Their sum.</summary>
    public double Sum { get; private set; }

    /// <summary>How many had no error.</summary>
    public long Successes { get; private set; }

    /// <summary>The highest; meaningless where there were none.</summary>
    public double Highest => _highest;

    public void Add(double value, bool isSuccess)
    {
        _least = Count == 0 ? value : Math.Min(_least, value);
        _highest = Count == 0 ? value : Math.Max(_highest, value);
        Sum += value;
        Successes += isSuccess ? 1 : 0;
        if (Count++ % _stride != 0)
        {
            return;
        }

        if (_kept.Count == Capacity)
        {
            Thin();
        }

        _kept.Add(value);
    }

    /// <summary>At most <see cref="MostValues"/> values: in the order of time where they are all, else in ascending order.</summary>
    public double[] Values()
    {
        if (Count <= MostValues)
        {
            return [.. _kept];
        }

        double[] sorted = [.. _kept.Order()];
        double[] values = new double[MostValues];
        values[0] = _least;
        values[^1] = _highest;
        int groups = MostValues - 2;
        for (int group = 0; group < groups; group++)
        {
            int from = group * sorted.Length / groups;
            int to = (group + 1) * sorted.Length / groups;
            values[group + 1] = sorted.AsSpan(from, to - from).ToArray().Average();
        }

        return values;
    }

    public void Clear()
    {
        _kept.Clear();
        _stride = 1;
        IsExpected = false;
        Count = 0;
        Sum = 0;
        Successes = 0;
    }

    /// <summary>Keeps each second one, and takes half as many from now on.</summary>
    private void Thin()
    {
        for (int i = 0; i < Capacity / 2; i++)
        {
            _kept[i] = _kept[i * 2];
        }

        _kept.RemoveRange(Capacity / 2, Capacity / 2);
        _stride *= 2;
    }
}
