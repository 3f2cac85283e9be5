using System.CommandLine;
using FastConsumer.Cli.Connections;
using FastConsumer.Kinesis;
using FastConsumer.PostgreSql;
using Npgsql;

namespace FastConsumer.Cli.Commands.Positions;

/// <summary>The positions that a sink keeps, and the leases that follow them.</summary>
internal sealed class PositionsPlace : IAsyncDisposable
{
    public static readonly Option<string?> Postgres = new("--postgres")
    {
        Description = "The connection string of the PostgreSQL that keeps the positions. Default: FASTCONSUMER_POSTGRES.",
        HelpName = "connection string",
    };

    public static readonly Option<string?> PositionTable = new("--position-table")
    {
        Description = $"The table of the positions. Default: {PostgreSqlPositionOptions.DefaultTableName}.",
        HelpName = "table",
    };

    private readonly NpgsqlDataSource _source;
    private readonly ToolContext _context;
    private readonly string _arn;
    private readonly DateTimeOffset _created;

    private PositionsPlace(ToolContext context, NpgsqlDataSource source, IPositionStore store, StreamDescriptionSummary stream)
    {
        _context = context;
        _source = source;
        Store = store;
        _arn = stream.StreamARN;
        _created = PositionKey.CreatedOf(stream.StreamCreationTimestamp);
    }

    /// <summary>Where the positions are.</summary>
    public IPositionStore Store { get; }

    /// <summary>Connects to both; nothing is created.</summary>
    /// <exception cref="ToolException">What is meant was not said, or makes no sense.</exception>
    public static async Task<PositionsPlace> OpenAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string connection = FleetOptions.Read(context.Arguments, Postgres, "FASTCONSUMER_POSTGRES")
            ?? throw ToolException.Usage(
                "Where are the positions? Give the connection string of the PostgreSQL with --postgres (or FASTCONSUMER_POSTGRES).");
        string table = FleetOptions.Read(context.Arguments, PositionTable) ?? PostgreSqlPositionOptions.DefaultTableName;
        NpgsqlDataSource source;
        PostgreSqlPositionStore store;
        try
        {
            var builder = new NpgsqlSlimDataSourceBuilder(connection);
            builder.EnableTransportSecurity();
            source = builder.Build();
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidOperationException)
        {
            // the text may hold a password, so it is not repeated
            throw ToolException.Usage($"--postgres is no connection string: {e.Message}");
        }

        try
        {
            store = new PostgreSqlPositionStore(source, new PostgreSqlPositionOptions { TableName = table, CreateTable = false });
        }
        catch (ArgumentException e)
        {
            await source.DisposeAsync();
            throw ToolException.Usage($"--position-table '{table}' is no table: {e.Message}");
        }

        try
        {
            await context.Fleet.Store.PrepareAsync(cancellationToken);
            await store.PrepareAsync(cancellationToken);
            StreamDescriptionSummary stream = await context.Fleet.Kinesis.DescribeStreamSummaryAsync(
                await context.Fleet.StreamAsync(null, cancellationToken), cancellationToken);
            return new PositionsPlace(context, source, store, stream);
        }
        catch
        {
            await source.DisposeAsync();
            throw;
        }
    }

    /// <summary>The row's key of a shard.</summary>
    public PositionKey KeyOf(string shardId) => new(_context.Fleet.Application, _arn, _created, shardId);

    /// <summary>The rows of the stream that is there now, by shard.</summary>
    public async Task<IReadOnlyDictionary<string, StoredPosition>> ListAsync(CancellationToken cancellationToken) =>
        (await Store.ListAsync(_context.Fleet.Application, _arn, cancellationToken))
            .Where(row => row.Key.StreamCreated == _created)
            .ToDictionary(static row => row.Key.ShardId, static row => row.Value, StringComparer.Ordinal);

    public ValueTask DisposeAsync() => _source.DisposeAsync();
}
