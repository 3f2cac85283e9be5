using System.Globalization;
using System.Text;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Simulation;
using FastConsumer.Tests.Reading;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Tests.Leases.Fleet;

/// <summary>
/// A fleet on a stream with records. Every part of the hash keys yields what the test says, whichever shard holds it, and all that is put,
/// read and handled is noted.
/// </summary>
internal sealed class LoadedFleet : VirtualFleet
{
    private const int PartsOfShard = 4;

    private static readonly StreamReference s_stream = new("events", null);

    private readonly KinesisEngine _engine;
    private readonly LoadLedger _ledger;
    private readonly Func<TimeSpan, double>[] _rates;
    private readonly string[] _hashKeys;
    private readonly List<(string ShardId, string Number)> _put = [];
    private readonly List<(TimeSpan At, string Worker, long Bytes)> _read = [];
    private bool _isProducing = true;

    public LoadedFleet(int shards, int seed = 1)
        : this(shards, seed, new LoadLedger())
    {
    }

    private LoadedFleet(int shards, int seed, LoadLedger ledger)
        : base(TimeSpan.FromSeconds(10), seed, new ServiceCollection().AddSingleton(ledger).AddScoped<LoadProcessor>())
    {
        _ledger = ledger;
        _ledger.Now = () => Time.Now;
        _engine = new KinesisEngine(new EngineSettings { Clock = Time.Clock, Seed = seed });
        _engine.CreateStream(new CreateStreamRequest(s_stream.Name!, shards));
        _rates = [.. Enumerable.Repeat<Func<TimeSpan, double>>(static _ => 0, shards * PartsOfShard)];
        UInt128 part = UInt128.MaxValue / (UInt128)_rates.Length;
        _hashKeys = [.. _rates.Select((_, i) => ((part * (UInt128)i) + (part / 2)).ToString(CultureInfo.InvariantCulture))];
        Task.Factory.StartNew(ProduceAsync, CancellationToken.None, TaskCreationOptions.None, Time);
    }

    /// <summary>The shards that are open, in the order of their hash keys.</summary>
    public IReadOnlyList<Shard> OpenShards => [.. _engine.ListShards(new ListShardsRequest(s_stream)).Shards
        .Where(static shard => shard.EndingSequenceNumber is null)
        .OrderBy(static shard => shard.HashKeyRange.StartingHashKey)];

    /// <summary>From now on the hash keys of one of the first shards yield so much, in KB a second.</summary>
    public void Yield(int shard, double rate) => Yield(shard, _ => rate);

    /// <summary>From now on the hash keys of one of the first shards yield what a function of time says, in KB a second.</summary>
    public void Yield(
        int shard, Func<TimeSpan, double> rate) => Array.Fill(_rates, now => rate(now) / PartsOfShard, shard * PartsOfShard, PartsOfShard);

    public void Split(string shardId) => _engine.SplitAnyMode(s_stream.Name!, shardId, null);

    /// <summary>What a worker read in the last seconds, in KB a second.</summary>
    public double Load(string worker, double seconds) =>
        _read.Where(read => read.Worker == worker && read.At > Time.Now - TimeSpan.FromSeconds(seconds)).Sum(static read => read.Bytes)
        / 1024.0 / seconds;

    /// <summary>What the busiest worker would read if the shards, the busiest first, were each given to who has least.</summary>
    public double FairLoad(int workers, double seconds)
    {
        double[] loads = new double[workers];
        foreach (double shard in _ledger.LoadsSince(Time.Now - TimeSpan.FromSeconds(seconds)).OrderDescending())
        {
            loads[Array.IndexOf(loads, loads.Min())] += shard / seconds;
        }

        return loads.Max();
    }

    /// <summary>Ends the stream's supply, and asserts that each record was handled, in order, and none twice: nobody died here.</summary>
    public void AssertHandledOnce()
    {
        _isProducing = false;
        Run(60, () => _ledger.Count >= _put.Count);
        Assert.NotEmpty(_put);
        foreach (IGrouping<string, (string ShardId, string Number)> shard in _put.GroupBy(static put => put.ShardId))
        {
            Assert.Equal(shard.Select(static put => put.Number), _ledger.Of(shard.Key));
        }
    }

    protected override ProcessorRegistration CreateProcessor() => new ProcessorRegistration<LoadProcessor>();

    protected override IKinesisClient CreateClient(string worker) => new EngineKinesis(this, worker);

    private async Task ProduceAsync()
    {
        // records of one length share their bytes
        Dictionary<int, byte[]> payloads = [];
        while (true)
        {
            for (int i = 0; i < _rates.Length && _isProducing; i++)
            {
                int length = (int)(_rates[i](Time.Now) * 1024);
                if (length > 0)
                {
                    byte[] payload = payloads.TryGetValue(length, out byte[]? known) ? known : payloads[length] = new byte[length];
                    PutResult put = _engine.PutRecord(new PutRecordRequest(s_stream, new PutEntry(payload, "key", _hashKeys[i])));
                    _put.Add((put.ShardId!, Encoding.ASCII.GetString(put.SequenceNumber!)));
                }
            }

            await Task.Delay(TimeSpan.FromSeconds(1), Time.Clock);
        }
    }

    private sealed class EngineKinesis : FakeKinesis
    {
        private readonly LoadedFleet _fleet;

        public EngineKinesis(LoadedFleet fleet, string worker)
        {
            _fleet = fleet;
            Shards = () => fleet._engine.ListShards(new ListShardsRequest(s_stream)).Shards;
            Records = iterator =>
            {
                GetRecordsResult result = Serve(
                    KinesisOperation.GetRecords, () => fleet._engine.GetRecords(new GetRecordsRequest(iterator)));
                GetRecordsResponse answer = SimulatedAnswer.Of(
                    result.Records, result.MillisBehindLatest, result.ChildShards, result.NextShardIterator, null);
                fleet._read.Add((fleet.Time.Now, worker, answer.PayloadBytes));
                return answer;
            };
        }

        public override Task<StreamDescriptionSummary> DescribeStreamSummaryAsync(
            StreamIdentifier stream, CancellationToken cancellationToken = default)
        {
            StreamView view = _fleet._engine.DescribeStreamSummary(s_stream);
            return Task.FromResult(new StreamDescriptionSummary
            {
                StreamName = view.Name,
                StreamARN = view.Arn,
                StreamStatus = view.Status,
                OpenShardCount = view.OpenShardCount,
                RetentionPeriodHours = view.RetentionHours,
                StreamCreationTimestamp = DateTimeOffset.FromUnixTimeMilliseconds(view.CreatedMs)
            });
        }

        public override Task<string> GetShardIteratorAsync(
            StreamIdentifier stream, string shardId, StartingPosition position, CancellationToken cancellationToken = default) =>
            Task.FromResult(Serve(
                KinesisOperation.GetShardIterator,
                () => _fleet._engine.GetShardIterator(SimulatedKinesisClient.IteratorRequest(s_stream, shardId, position))));

        private static T Serve<T>(KinesisOperation operation, Func<T> serve)
        {
            try
            {
                return serve();
            }
            catch (EngineException e)
            {
                throw SimulatedKinesisClient.Refused(operation, e);
            }
        }
    }
}

/// <summary>What was handled: of each shard, in which order and how much.</summary>
internal sealed class LoadLedger
{
    private readonly List<(TimeSpan At, string ShardId, string Number, int Bytes)> _handled = [];

    public Func<TimeSpan> Now { get; set; } = static () => TimeSpan.Zero;

    public int Count => _handled.Count;

    public void Add(string shardId, string number, int bytes) => _handled.Add((Now(), shardId, number, bytes));

    public IEnumerable<string> Of(string shardId) => _handled.Where(handled => handled.ShardId == shardId)
        .Select(static handled => handled.Number);

    /// <summary>KB of each shard.</summary>
    public IEnumerable<double> LoadsSince(TimeSpan time) => _handled.Where(handled => handled.At > time)
        .GroupBy(static handled => handled.ShardId, static (_, records) => records.Sum(static handled => handled.Bytes) / 1024.0);
}

[KinesisProcessor("events")]
internal sealed partial class LoadProcessor(LoadLedger ledger)
{
    [OnRecord]
    private void Handle(KinesisRecord record, RecordContext context) =>
        ledger.Add(context.ShardId, record.SequenceNumber.ToString(), record.DataSpan.Length);
}
