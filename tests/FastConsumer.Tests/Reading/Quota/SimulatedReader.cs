using FastConsumer.Reading;
using FastConsumer.Testing.Engine;

namespace FastConsumer.Tests.Reading.Quota;

/// <summary>One application's reader of a <see cref="SimulatedShard"/>, and what it was answered.</summary>
internal sealed class SimulatedReader(TimeProvider time, Random random, double until, bool isLagging)
{
    private readonly List<(double Time, long Bytes, bool IsRefused)> _calls = [];

    public ReadQuota Quota { get; } = new(time, random, 10_000, TimeSpan.FromMilliseconds(400));

    public double Until { get; } = until;

    public bool IsLagging { get; } = isLagging;

    public string? Iterator { get; set; }

    public long BytesOfRound { get; set; }

    /// <summary>The times from the arrival of a record to the call that brought it.</summary>
    public List<double> Delays { get; } = [];

    public void Count(double now, long nowMs, GetRecordsResult? answer)
    {
        _calls.Add((now, answer?.Records.Sum(static record => (long)record.Bytes) ?? 0, answer is null));
        if (answer is not null && !IsLagging)
        {
            Delays.AddRange(answer.Records.Select(record => (nowMs - record.ArrivalMs) / 1000.0));
        }
    }

    /// <summary>The time of the first call that was answered.</summary>
    public double FirstRead => _calls.First(static call => !call.IsRefused).Time;

    public int Calls(double from, double to) => _calls.Count(call => call.Time >= from && call.Time < to);

    public int Refused(double from, double to) => _calls.Count(call => call.IsRefused && call.Time >= from && call.Time < to);

    /// <summary>The part of 2 MiB a second that was read.</summary>
    public double Share(double from, double to) =>
        _calls.Where(call => call.Time >= from && call.Time < to).Sum(static call => call.Bytes) / ((to - from) * ReadQuota.BytesPerSecond);
}
