using System.Text;
using FastConsumer.Kinesis;
using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Http;
using FastConsumer.Testing.Storage;

namespace FastConsumer.Testing;

/// <summary>
/// An Amazon Kinesis inside the process, behind one URL on 127.0.0.1 that takes HTTP/1.1 and HTTP/2 (prior knowledge)
/// alike. It speaks the service's own protocol (service model 2013-12-02, JSON and CBOR), so any AWS SDK can drive it.
/// </summary>
/// <remarks>
/// The methods here are shortcuts for tests: they reach the same streams as requests do, without the wire, and throw
/// <see cref="KinesisException"/> where the service would refuse. All members are safe to call from any thread.
/// </remarks>
public sealed partial class EmbeddedKinesis : IAsyncDisposable
{
    private readonly KinesisEngine _engine;
    private readonly RequestCounter _counter = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly KinesisEndpoint _endpoint;
    private readonly EngineJournal? _journal;
    private EmbeddedHttpServer? _server;

    private EmbeddedKinesis(EmbeddedKinesisOptions options, TimeProvider time)
    {
        Options = options;
        JournalClock? clock = options.DataFolder is null ? null : new JournalClock(time);
        _engine = new KinesisEngine(new EngineSettings
        {
            Region = options.Region,
            AccountId = options.AccountId,
            Clock = clock ?? time,
            Seed = options.Seed,
            CreateDelay = options.CreateDelay,
            UpdateDelay = options.UpdateDelay,
            DeleteDelay = options.DeleteDelay,
            IteratorLifetime = options.IteratorLifetime,
            MaxResponseBytes = options.MaxResponseBytes,
            MaxRecordBytes = options.MaxRecordBytes,
            ShardLimit = options.ShardLimit,
            ReadQuota = options.ReadQuota,
            WriteQuota = options.WriteQuota,
        });
        _journal = clock is null ? null : EngineJournal.Open(options.DataFolder!, _engine, clock);
        SignatureCheck? signatures = options.Credentials is { } credentials
            ? new SignatureCheck(credentials, options.Region, options.TimeProvider)
            : null;
        _endpoint = new KinesisEndpoint(
            _engine,
            _journal,
            signatures, Faults, _counter, new RequestIds(options.Seed), options.CborStyle, options.SubscriptionLifetime, _stopping.Token);
    }

    /// <summary>
    /// What clients are given as the endpoint, for example <c>http://127.0.0.1:41235</c>. A GET of <c>/health</c> below it is
    /// answered with 200, unsigned, for whatever waits until it listens.
    /// </summary>
    public string ServiceUrl => _server!.Url;

    /// <summary>The region in ARNs and signatures.</summary>
    public string Region => Options.Region;

    /// <summary>The account in ARNs.</summary>
    public string AccountId => Options.AccountId;

    /// <summary>What the folder of <see cref="EmbeddedKinesisOptions.DataFolder"/> held at the start; null without one.</summary>
    public EmbeddedKinesisData? Data => _journal?.Found;

    /// <summary>Faults on demand.</summary>
    public FaultScript Faults { get; } = new();

    internal KinesisEngine Engine => _engine;

    internal long Http2RequestCount => _counter.Of(null, isHttp2: true);

    private EmbeddedKinesisOptions Options { get; }

    /// <summary>Starts it; it listens when the task is done.</summary>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="IOException">The port is taken.</exception>
    /// <exception cref="EmbeddedKinesisDataException">The folder for the data cannot be used.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The address is none of this machine.</exception>
    public static async Task<EmbeddedKinesis> StartAsync(
        EmbeddedKinesisOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new EmbeddedKinesisOptions();
        options.Validate();
        return await StartAsync(options, options.TimeProvider, cancellationToken);
    }

    /// <param name="options">Validated.</param>
    /// <param name="time">The clock of all but signatures, which clients make by their own.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    internal static async Task<EmbeddedKinesis> StartAsync(
        EmbeddedKinesisOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var kinesis = new EmbeddedKinesis(options, time);
        try
        {
            kinesis._server = await EmbeddedHttpServer.StartAsync(
                options.Bind, options.Port, options.Certificate, kinesis._endpoint.HandleAsync, cancellationToken);
            return kinesis;
        }
        catch
        {
            kinesis._stopping.Dispose();
            await kinesis.CloseJournalAsync();
            throw;
        }
    }

    /// <summary>The ARN of a stream of that name.</summary>
    public string StreamArn(string streamName) => $"arn:aws:kinesis:{Region}:{AccountId}:stream/{streamName}";

    /// <summary>Creates a provisioned stream: ACTIVE at once, unless the options set a delay.</summary>
    /// <exception cref="KinesisException">The name is taken or invalid.</exception>
    public void CreateStream(string streamName, int shardCount = 1) => Create(new CreateStreamRequest(streamName, shardCount));

    /// <summary>Deletes a stream, its records and its consumers.</summary>
    /// <exception cref="KinesisException">There is no such stream.</exception>
    public void DeleteStream(string streamName) =>
        Change(
            "DeleteStream",
            () => DirectOperations.Texts(("StreamName", streamName)),
            () => _engine.DeleteStream(new DeleteStreamRequest(ByName(streamName), EnforceConsumerDeletion: true)));

    /// <summary>Puts one record; <paramref name="data"/> is copied.</summary>
    /// <exception cref="KinesisException">There is no such stream, or the record is too large.</exception>
    public PutRecordResponse Put(string streamName, string partitionKey, ReadOnlySpan<byte> data, UInt128? explicitHashKey = null)
    {
        var entry = new PutEntry(
            data.ToArray(), partitionKey, explicitHashKey?.ToString(System.Globalization.CultureInfo.InvariantCulture));
        PutResult result = Change(
            "PutRecord", static () => [], () => _engine.PutRecord(new PutRecordRequest(ByName(streamName), entry)));
        return new PutRecordResponse(result.ShardId!, SequenceNumber.Parse(result.SequenceNumber));
    }

    /// <summary>Puts one record with a text in UTF-8.</summary>
    /// <inheritdoc cref="Put(string, string, ReadOnlySpan{byte}, UInt128?)"/>
    public PutRecordResponse Put(string streamName, string partitionKey, string text, UInt128? explicitHashKey = null) =>
        Put(streamName, partitionKey, Encoding.UTF8.GetBytes(text), explicitHashKey);

    /// <summary>All shards that are retained, open and closed, by id.</summary>
    /// <exception cref="KinesisException">There is no such stream.</exception>
    public IReadOnlyList<Shard> ListShards(string streamName) => Run(() =>
    {
        List<Shard> shards = [];
        ListShardsResult page = _engine.ListShards(new ListShardsRequest(ByName(streamName)));
        shards.AddRange(page.Shards);
        while (page.NextToken is { } token)
        {
            page = _engine.ListShards(new ListShardsRequest(default, token));
            shards.AddRange(page.Shards);
        }

        return shards;
    });

    /// <summary>
    /// Splits a shard in the middle of its hash keys, or at <paramref name="newStartingHashKey"/>; on-demand streams too.
    /// </summary>
    /// <exception cref="KinesisException">There is no such open shard, or the stream is not ACTIVE.</exception>
    public void SplitShard(string streamName, string shardId, UInt128? newStartingHashKey = null) =>
        Change(
            DirectOperations.SplitShard,
            () => DirectOperations.Texts(
                ("StreamName", streamName),
                ("ShardId", shardId),
                ("HashKey", newStartingHashKey?.ToString(System.Globalization.CultureInfo.InvariantCulture))),
            () => _engine.SplitAnyMode(streamName, shardId, newStartingHashKey));

    /// <summary>Merges two adjacent shards; on-demand streams too.</summary>
    /// <exception cref="KinesisException">They are no adjacent pair of open shards, or the stream is not ACTIVE.</exception>
    public void MergeShards(string streamName, string shardId, string adjacentShardId) =>
        Change(
            DirectOperations.MergeShards,
            () => DirectOperations.Texts(("StreamName", streamName), ("ShardId", shardId), ("AdjacentShardId", adjacentShardId)),
            () => _engine.MergeAnyMode(streamName, shardId, adjacentShardId));

    /// <summary>
    /// Another application that polls a shard evenly, whatever it is answered, and takes its part of the read quota until
    /// what is returned is disposed. It needs a <see cref="EmbeddedKinesisOptions.ReadQuota"/>.
    /// </summary>
    /// <param name="streamName">The stream.</param>
    /// <param name="shardId">The shard.</param>
    /// <param name="callsPerSecond">Its GetRecords calls a second, more than zero.</param>
    /// <param name="bytesPerSecond">What it reads in all of a second's calls, if none is refused.</param>
    /// <exception cref="KinesisException">There is no such stream or shard.</exception>
    /// <exception cref="InvalidOperationException">No read quota is enforced.</exception>
    public IDisposable AddNeighbour(string streamName, string shardId, double callsPerSecond, long bytesPerSecond = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(callsPerSecond);
        ArgumentOutOfRangeException.ThrowIfNegative(bytesPerSecond);
        return Run(() => _engine.AddNeighbour(ByName(streamName), shardId, callsPerSecond, bytesPerSecond));
    }

    /// <summary>The requests that have arrived over HTTP, refused ones and retries included; not those for <c>/health</c>.</summary>
    /// <param name="operation">For example <c>GetRecords</c>; null for all.</param>
    public long RequestCount(string? operation = null) => _counter.Of(operation);

    /// <summary>Stops listening, ends requests under way and closes every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_server is null || _stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync();
        await _server.DisposeAsync();
        await CloseJournalAsync();
        _stopping.Dispose();
    }

    private ValueTask CloseJournalAsync() => _journal?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static StreamReference ByName(string streamName) => new(streamName, null);

    private static T Run<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (EngineException exception)
        {
            KinesisErrorKind kind = exception.ErrorCode switch
            {
                "ResourceNotFoundException" => KinesisErrorKind.NotFound,
                "ResourceInUseException" => KinesisErrorKind.ResourceInUse,
                "LimitExceededException" or "ProvisionedThroughputExceededException" => KinesisErrorKind.Throttled,
                _ => KinesisErrorKind.Client,
            };
            throw new KinesisException(exception.Message, kind, exception.ErrorCode, exception) { StatusCode = exception.Status };
        }
    }
}
