using FastConsumer.Testing.Engine;

namespace FastConsumer.Testing.Tests.Engine;

public sealed class QuotaTests
{
    private const string Throttled = "ProvisionedThroughputExceededException";
    private const int MiB = 1024 * 1024;

    private readonly ManualClock _clock = new();

    public static TheoryData<ReadQuotaModel> Models() =>
        [ReadQuotaModel.FixedSecond, ReadQuotaModel.SlidingWindow, ReadQuotaModel.TokenBucket];

    [Theory]
    [MemberData(nameof(Models))]
    public void The_sixth_call_of_a_second_is_refused(ReadQuotaModel model)
    {
        KinesisEngine engine = Create(model);
        string iterator = Iterator(engine);
        for (int i = 0; i < 5; i++)
        {
            engine.GetRecords(new GetRecordsRequest(iterator));
        }

        Assert.Equal(Throttled, Refusal(() => engine.GetRecords(new GetRecordsRequest(iterator))));
        _clock.Advance(TimeSpan.FromSeconds(1));
        engine.GetRecords(new GetRecordsRequest(iterator));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void An_answer_above_the_allowance_is_a_debt(ReadQuotaModel model)
    {
        KinesisEngine engine = Create(model);
        Put(engine, 8);
        string iterator = Iterator(engine);
        Assert.Equal(6, engine.GetRecords(new GetRecordsRequest(iterator, 6)).Records.Length);

        Assert.Equal(Throttled, Refusal(() => engine.GetRecords(new GetRecordsRequest(iterator, 1))));
        _clock.Advance(TimeSpan.FromSeconds(1.9));
        Assert.Equal(Throttled, Refusal(() => engine.GetRecords(new GetRecordsRequest(iterator, 1))));
        _clock.Advance(TimeSpan.FromSeconds(1.2));
        Assert.Single(engine.GetRecords(new GetRecordsRequest(iterator, 1)).Records);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void After_a_full_answer_the_shard_is_silent_for_five_seconds(ReadQuotaModel model)
    {
        KinesisEngine engine = Create(model);
        Put(engine, 12);
        string iterator = Iterator(engine);
        Assert.InRange(engine.GetRecords(new GetRecordsRequest(iterator)).Records.Length, 9, 10);

        _clock.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Equal(Throttled, Refusal(() => engine.GetRecords(new GetRecordsRequest(iterator, 1))));
        _clock.Advance(TimeSpan.FromSeconds(0.2));
        engine.GetRecords(new GetRecordsRequest(iterator, 1));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_steady_pace_below_the_quota_is_never_refused(ReadQuotaModel model)
    {
        KinesisEngine engine = Create(model);
        Put(engine, 400);
        string iterator = Iterator(engine);
        for (int i = 0; i < 400; i++)
        {
            iterator = engine.GetRecords(new GetRecordsRequest(iterator, 1)).NextShardIterator!;
            _clock.Advance(TimeSpan.FromMilliseconds(505));
        }
    }

    [Fact]
    public void GetShardIterator_has_a_quota_of_its_own()
    {
        KinesisEngine engine = Create(ReadQuotaModel.SlidingWindow);
        for (int i = 0; i < 5; i++)
        {
            Iterator(engine);
        }

        Assert.Equal(Throttled, Refusal(() => Iterator(engine)));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_neighbour_takes_its_part_until_it_leaves(ReadQuotaModel model)
    {
        KinesisEngine engine = Create(model);
        string iterator = Iterator(engine);
        IDisposable neighbour = engine.AddNeighbour(new StreamReference("s", null), "shardId-000000000000", 4, 0);
        _clock.Advance(TimeSpan.FromSeconds(3.45));
        int refused = 0;
        for (int i = 0; i < 20; i++)
        {
            refused += TryRead(engine, iterator) ? 0 : 1;
            _clock.Advance(TimeSpan.FromMilliseconds(300));
        }

        Assert.InRange(refused, 1, 19);
        neighbour.Dispose();
        _clock.Advance(TimeSpan.FromSeconds(1));
        for (int i = 0; i < 20; i++)
        {
            Assert.True(TryRead(engine, iterator));
            _clock.Advance(TimeSpan.FromMilliseconds(300));
        }
    }

    [Fact]
    public void Without_a_quota_there_is_no_neighbour()
    {
        KinesisEngine engine = Create(ReadQuotaModel.None);
        Assert.Throws<InvalidOperationException>(() => engine.AddNeighbour(new StreamReference("s", null), "shardId-000000000000", 1, 0));
    }

    [Fact]
    public void Above_the_write_quota_single_entries_fail()
    {
        KinesisEngine engine = Create(ReadQuotaModel.None, writeQuota: true);
        PutEntry[] entries = [.. Enumerable.Range(0, 3).Select(static _ => new PutEntry(new byte[400 * 1024], "k"))];
        IReadOnlyList<PutResult> results = engine.PutRecords(new PutRecordsRequest(new StreamReference("s", null), entries));
        Assert.Equal([null, null, Throttled], results.Select(static result => result.ErrorCode));
        Assert.Equal(Throttled, Refusal(() => Put(engine, 1)));

        _clock.Advance(TimeSpan.FromSeconds(1));
        Put(engine, 1);
    }

    private KinesisEngine Create(ReadQuotaModel model, bool writeQuota = false)
    {
        var engine = new KinesisEngine(new EngineSettings { Clock = _clock, ReadQuota = model, WriteQuota = writeQuota });
        engine.CreateStream(new CreateStreamRequest("s", 1));
        return engine;
    }

    private static void Put(KinesisEngine engine, int count)
    {
        var data = new byte[MiB - 1];
        for (int i = 0; i < count; i++)
        {
            engine.PutRecord(new PutRecordRequest(new StreamReference("s", null), new PutEntry(data, "k")));
        }
    }

    private static string Iterator(KinesisEngine engine) =>
        engine.GetShardIterator(new GetShardIteratorRequest(new StreamReference("s", null), "shardId-000000000000", "TRIM_HORIZON"));

    private static bool TryRead(KinesisEngine engine, string iterator)
    {
        try
        {
            engine.GetRecords(new GetRecordsRequest(iterator));
            return true;
        }
        catch (EngineException refusal) when (refusal.ErrorCode == Throttled)
        {
            return false;
        }
    }

    private static string Refusal(Action call) => Assert.Throws<EngineException>(call).ErrorCode;
}
