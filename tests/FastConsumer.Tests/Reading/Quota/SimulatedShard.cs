using FastConsumer.Reading;
using FastConsumer.Testing;
using FastConsumer.Testing.Engine;

namespace FastConsumer.Tests.Reading.Quota;

/// <summary>
/// One shard of the real engine under a manual clock, and applications that read it as <see cref="ShardReader"/> does:
/// events in the order of their virtual times, so a run follows from its seed alone.
/// </summary>
internal sealed class SimulatedShard
{
    private const string StreamName = "s";
    private const double MostDifferenceMs = 50;
    private const long RetainedBytes = 16 * 1024 * 1024;
    private static readonly DateTimeOffset s_epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ManualClock _clock;
    private readonly KinesisEngine _engine;
    private readonly Random _random;
    private readonly PriorityQueue<Action, (long Ticks, long Order)> _events = new();
    private readonly long _retained;
    private readonly byte[] _data;
    private string _shardId = "";
    private long _order;

    public SimulatedShard(ReadQuotaModel model, int recordBytes, int seed)
    {
        _random = new Random(seed);
        // readers keep to times of the clock, so a run starts at any of them
        _clock = new ManualClock(s_epoch.AddMinutes(_random.NextDouble()));
        _engine = new KinesisEngine(new EngineSettings { Clock = _clock, ReadQuota = model, Seed = seed });
        _engine.CreateStream(new CreateStreamRequest(StreamName, 1));
        _data = new byte[recordBytes - 1];
        _retained = RetainedBytes / recordBytes;
        for (long i = 0; i < _retained; i++)
        {
            Put();
        }
    }

    private StreamReference Stream => new(StreamName, null);

    public double Now => _clock.GetTimestamp() / (double)TimeSpan.TicksPerSecond;

    /// <summary>Puts one record, the time of which the key tells.</summary>
    public void Put() => _shardId = _engine.PutRecord(new PutRecordRequest(Stream, new PutEntry(_data, "k"))).ShardId!;

    public void At(double seconds, Action action) => _events.Enqueue(
        action, (Math.Max(_clock.GetTimestamp(), (long)Math.Ceiling(seconds * TimeSpan.TicksPerSecond)), _order++));

    public IDisposable AddNeighbour(double callsPerSecond, long bytesPerSecond) =>
        _engine.AddNeighbour(Stream, _shardId, callsPerSecond, bytesPerSecond);

    /// <summary>An application that reads from some time on; where it lags, there is always more to read.</summary>
    public SimulatedReader AddReader(int seed, double from = 0, double until = double.MaxValue, bool isLagging = true)
    {
        var clock = new DifferentClock(_clock, TimeSpan.FromMilliseconds((_random.NextDouble() - 0.5) * MostDifferenceMs));
        var reader = new SimulatedReader(clock, new Random(seed), until, isLagging);
        At(from + (0.1 * _random.NextDouble()), () => Wait(reader));
        return reader;
    }

    public void Run(double until)
    {
        while (_events.TryPeek(out _, out (long Ticks, long Order) due) && due.Ticks <= until * TimeSpan.TicksPerSecond)
        {
            Action next = _events.Dequeue();
            _clock.Advance(TimeSpan.FromTicks(due.Ticks - _clock.GetTimestamp()));
            next();
        }
    }

    private void Wait(SimulatedReader reader)
    {
        if (Now >= reader.Until)
        {
            return;
        }

        TimeSpan rest = reader.Quota.UntilNext;
        if (rest > TimeSpan.Zero)
        {
            // a timer is late by a little, at times by the grain of a system's clock
            double late = _random.NextDouble() * (_random.Next(10) == 0 ? 0.016 : 0.002);
            At(Now + rest.TotalSeconds + late, () => Wait(reader));
            return;
        }

        int limit = reader.Quota.Start();
        At(Now + Travel(), () => Arrive(reader, limit));
    }

    private void Arrive(SimulatedReader reader, int limit)
    {
        GetRecordsResult? answer = null;
        try
        {
            reader.Iterator ??= FirstIterator(reader);
            answer = _engine.GetRecords(new GetRecordsRequest(reader.Iterator, limit));
        }
        catch (EngineException refusal) when (refusal.ErrorCode == "ProvisionedThroughputExceededException")
        {
        }

        reader.Count(Now, _clock.GetUtcNow().ToUnixTimeMilliseconds(), answer);
        At(Now + Travel(), () => Receive(reader, answer));
    }

    private void Receive(SimulatedReader reader, GetRecordsResult? answer)
    {
        if (answer is null)
        {
            reader.Quota.Throttled();
        }
        else
        {
            long bytes = answer.Records.Sum(static record => (long)record.Bytes);
            reader.Quota.Succeeded(answer.Records.Length, bytes, answer.MillisBehindLatest);
            // one that lags reads the same records again and again, and never sees the end of them
            reader.BytesOfRound += bytes;
            bool startsAgain = reader.IsLagging && reader.BytesOfRound > RetainedBytes / 2;
            reader.BytesOfRound = startsAgain ? 0 : reader.BytesOfRound;
            reader.Iterator = startsAgain ? null : answer.NextShardIterator;
        }

        At(Now, () => Wait(reader));
    }

    private string FirstIterator(SimulatedReader reader) =>
        _engine.GetShardIterator(new GetShardIteratorRequest(Stream, _shardId, reader.IsLagging ? "TRIM_HORIZON" : "LATEST"));

    private double Travel() => 0.0005 + (0.003 * _random.NextDouble());

    /// <summary>The clock of another machine.</summary>
    private sealed class DifferentClock(TimeProvider time, TimeSpan difference) : TimeProvider
    {
        public override long TimestampFrequency => time.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => time.GetUtcNow() + difference;

        public override long GetTimestamp() => time.GetTimestamp();
    }
}
