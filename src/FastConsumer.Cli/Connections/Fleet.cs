using System.CommandLine;
using System.Security.Cryptography;
using FastConsumer.DynamoDb;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Monitoring;
using FastConsumer.Reading;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Cli.Connections;

/// <summary>The lease table and the stream of one application, connected on first use. Reads change nothing.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    private readonly ParseResult _arguments;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly DynamoDbLeaseOptions _options;
    private DynamoDbLeaseStoreFactory? _stores;
    private DynamoDbConnection? _connection;
    private ILeaseStore? _store;
    private KinesisClient? _kinesis;
    private StreamIdentifier? _stream;

    /// <param name="arguments">What was said on the command line.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Takes what the connections tell.</param>
    /// <param name="isToWrite">True where the command writes the table: a running fleet of KCL 3.x is looked for first.</param>
    public Fleet(ParseResult arguments, TimeProvider time, ILogger log, bool isToWrite)
    {
        _arguments = arguments;
        _time = time;
        _log = log;
        _options = new DynamoDbLeaseOptions
        {
            // no command creates a table
            TableMode = LeaseTableMode.Require,
            TableName = FleetOptions.Read(arguments, FleetOptions.Table, "FASTCONSUMER_TABLE"),
            Region = FleetOptions.Read(arguments, FleetOptions.Region),
            Profile = FleetOptions.Read(arguments, FleetOptions.Profile),
            ServiceUrl = FleetOptions.Read(arguments, FleetOptions.TableEndpointUrl),
            AllowKcl3Fleet = !isToWrite,
        };
    }

    /// <summary>The application's name, else the table's.</summary>
    public string Application => FleetOptions.Read(_arguments, FleetOptions.Application, "FASTCONSUMER_APPLICATION")
        ?? _options.TableName
        ?? throw ToolException.Usage(
            "Which application is meant? Name it with --application (or FASTCONSUMER_APPLICATION), or its lease table with --table.");

    /// <summary>The lease table.</summary>
    public ILeaseStore Store
    {
        get
        {
            if (_store is null)
            {
                var context = new LeaseStoreContext("", Application, "", NoServices.Instance);
                _stores = new DynamoDbLeaseStoreFactory(_options, () => Connection, _time, new OneLogger(_log));
                _store = _stores.Create(context);
            }

            return _store;
        }
    }

    /// <summary>The lease table of another application.</summary>
    /// <param name="application">The application.</param>
    /// <param name="table">The table, where it has another name.</param>
    /// <param name="isCreated">True where the table is created if it is missing.</param>
    public ILeaseStore Open(string application, string? table, bool isCreated)
    {
        var options = new DynamoDbLeaseOptions
        {
            TableMode = isCreated ? LeaseTableMode.Create : LeaseTableMode.Require,
            TableName = table,
            Region = _options.Region,
            Profile = _options.Profile,
            ServiceUrl = _options.ServiceUrl,
        };
        var stores = new DynamoDbLeaseStoreFactory(options, () => Connection, _time, new OneLogger(_log));
        return stores.Create(new LeaseStoreContext("", application, "", NoServices.Instance));
    }

    /// <summary>The table's name.</summary>
    public string TableName => _options.TableName ?? Application;

    /// <summary>The SDK's clients of the table.</summary>
    public DynamoDbConnection Connection => _connection ??= new DynamoDbConnection(_options);

    /// <summary>The region and profile that were named.</summary>
    public (string? Region, string? Profile) Named => (_options.Region, _options.Profile);

    /// <summary>The client of the stream.</summary>
    public IKinesisClient Kinesis => _kinesis ??= new KinesisClient(new KinesisClientOptions
    {
        Region = _options.Region,
        Profile = _options.Profile,
        ServiceUrl = FleetOptions.Read(_arguments, FleetOptions.EndpointUrl),
        TimeProvider = _time,
        RandomSeed = Environment.ProcessId,
        Logger = _log,
    });

    /// <summary>What operators do by way of the table.</summary>
    public OperatorTable Operator => new(Store, Application, _time, new Random(RandomNumberGenerator.GetInt32(int.MaxValue)));

    /// <summary>All rows of the lease table.</summary>
    public Task<IReadOnlyList<Lease>> ListRowsAsync(CancellationToken cancellationToken) =>
        Store.ListAsync(ReadConsistency.Strong, cancellationToken);

    /// <summary>The stream: as it was named, else as the rows name it.</summary>
    public async Task<StreamIdentifier> StreamAsync(IReadOnlyList<Lease>? rows, CancellationToken cancellationToken)
    {
        if (_stream is { } known)
        {
            return known;
        }

        string? name = FleetOptions.Read(_arguments, FleetOptions.Stream, "FASTCONSUMER_STREAM");
        if (name is null)
        {
            rows ??= _arguments.CommandResult.Command.Options.Contains(FleetOptions.Application)
                ? await ListRowsAsync(cancellationToken)
                : [];
            name = rows.Select(static row => row.StreamName).FirstOrDefault(static stream => stream is not null)
                ?? throw ToolException.Usage("Which stream is meant? Name it with --stream (or FASTCONSUMER_STREAM).");
        }

        try
        {
            _stream = StreamIdentifier.Parse(name);
        }
        catch (ArgumentException e)
        {
            throw ToolException.Usage($"--stream '{name}' is no stream: {e.Message}");
        }

        return _stream.Value;
    }

    /// <summary>How the fleet stands.</summary>
    /// <param name="withStream">True where the stream is listed too.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<FleetView> ViewAsync(bool withStream, CancellationToken cancellationToken)
    {
        IReadOnlyList<Lease> rows = await ListRowsAsync(cancellationToken);
        IReadOnlyList<Shard>? shards = null;
        if (withStream)
        {
            StreamIdentifier stream = await StreamAsync(rows, cancellationToken);
            shards = (await ShardListing.ListAllAsync(Kinesis, stream, cancellationToken)).Shards;
        }

        return FleetView.Of(rows, shards, _time.GetUtcNow());
    }

    /// <summary>How long the stream keeps a record.</summary>
    public async Task<TimeSpan> RetentionAsync(CancellationToken cancellationToken) => TimeSpan.FromHours(
        (await Kinesis.DescribeStreamSummaryAsync(await StreamAsync(null, cancellationToken), cancellationToken)).RetentionPeriodHours);

    public async ValueTask DisposeAsync()
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }

        _stores?.Dispose();
        _kinesis?.Dispose();
    }

    private sealed class NoServices : IServiceProvider
    {
        public static NoServices Instance { get; } = new();

        public object? GetService(Type serviceType) => null;
    }

    private sealed class OneLogger(ILogger log) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => log;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("The tool has one logger.");

        public void Dispose()
        {
        }
    }
}
