using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;

namespace FastConsumer.DynamoDb;

/// <summary>
/// Keeps the position of each shard in a table of DynamoDB, and writes it in one transaction with the items that outputs write there. See
/// <see cref="IPositionStore{TTransaction}"/> for what is promised. Thread-safe.
/// </summary>
/// <remarks>
/// Items are collected and sent at the commit, in one <c>TransactWriteItems</c>. It costs two write units for each KB of an item, and so
/// does the position. A transaction without items costs one <c>UpdateItem</c>.
/// </remarks>
public sealed class DynamoDbPositionStore : IPositionStore<DynamoDbTransaction>
{
    /// <summary>An item has at most 400 KB, names and the other attributes included.</summary>
    private const int MostOfRuns = 390 * 1024;

    private const int MaxAttempts = 6;

    private static readonly TimeSpan s_firstDelay = TimeSpan.FromMilliseconds(50);

    private readonly IAmazonDynamoDB _client;
    private readonly DynamoDbPositionOptions _options;
    private readonly PositionFaults _faults;
    private readonly TimeProvider _timeProvider;
    private readonly string _table;

    /// <summary>Makes a store on a table, which <see cref="PrepareAsync"/> creates or checks.</summary>
    /// <param name="client">
    /// Leads to the region and account of the tables that outputs write to. It stays the caller's, who disposes of it. Its retries do no
    /// harm.
    /// </param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <param name="timeProvider">The clock that waits are measured by; null for the system's.</param>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public DynamoDbPositionStore(IAmazonDynamoDB client, DynamoDbPositionOptions? options = null, TimeProvider? timeProvider = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        _options = options ?? new DynamoDbPositionOptions();
        foreach ((string property, string problem) in _options.Problems())
        {
            throw new ArgumentException($"{property}: {problem}", nameof(options));
        }

        _client = client;
        _timeProvider = timeProvider ?? TimeProvider.System;
        _table = _options.TableName;
        Description = $"DynamoDB table '{_table}' at {EndpointOf(client)}";
        _faults = new PositionFaults(Description);
    }

    /// <summary><c>dynamodb</c>.</summary>
    public string Name => "dynamodb";

    /// <inheritdoc/>
    public string Description { get; }

    /// <summary><see cref="DynamoDbTransaction.MaxItems"/>: each value of an output is one item.</summary>
    public int MaxOutputs => DynamoDbTransaction.MaxItems;

    /// <summary>
    /// Creates the table where it is missing and <see cref="DynamoDbPositionOptions.CreateTable"/> is on, waits until it is active, for 5
    /// minutes at most, and checks its key.
    /// </summary>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="DynamoDbPositionException">
    /// The table does not do, or DynamoDB cannot be reached. Its <see cref="DynamoDbPositionException.IsTransient"/> says whether to try
    /// again.
    /// </exception>
    public Task PrepareAsync(CancellationToken cancellationToken) =>
        new PositionTableSetup(_client, _options, _faults, _timeProvider).PrepareAsync(cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="DynamoDbPositionException">The table cannot be read, or nobody can parse the row.</exception>
    public Task<StoredPosition?> ReadAsync(PositionKey key, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        return ExplainedAsync(
            "GetItem",
            async () =>
            {
                GetItemResponse response = await _client.GetItemAsync(
                    new GetItemRequest { TableName = _table, Key = PositionRows.KeyOf(key), ConsistentRead = true }, cancellationToken);
                return RowOf(key, response.Item);
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="DynamoDbPositionException">The table cannot be read, or nobody can parse a row.</exception>
    public Task<IReadOnlyDictionary<PositionKey, StoredPosition>> ListAsync(
        string application, string streamArn, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(application);
        ArgumentNullException.ThrowIfNull(streamArn);
        return ExplainedAsync<IReadOnlyDictionary<PositionKey, StoredPosition>>(
            "Query",
            async () =>
            {
                var rows = new Dictionary<PositionKey, StoredPosition>();
                var request = new QueryRequest
                {
                    TableName = _table,
                    ConsistentRead = true,
                    KeyConditionExpression = "#stream = :stream",
                    ExpressionAttributeNames = new(StringComparer.Ordinal) { ["#stream"] = PositionRows.Stream },
                    ExpressionAttributeValues = new(StringComparer.Ordinal)
                    {
                        [":stream"] = new AttributeValue { S = PositionRows.StreamOf(application, streamArn) },
                    },
                };
                do
                {
                    QueryResponse response = await _client.QueryAsync(request, cancellationToken);
                    foreach (Dictionary<string, AttributeValue> item in response.Items ?? [])
                    {
                        PositionKey key = KeyOf(application, streamArn, item);
                        rows[key] = RowOf(key, item)!;
                    }

                    request.ExclusiveStartKey = response.LastEvaluatedKey;
                }
                while (request.ExclusiveStartKey is { Count: > 0 });
                return rows;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="DynamoDbPositionException">The table cannot be written, or nobody can parse the row.</exception>
    public Task<StoredPosition> SetEpochAsync(PositionKey key, long epoch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        UpdateItemRequest request = PositionRows.SetEpoch(epoch).ToRequest(_table, key);
        return OutsideOfTransactionsAsync(
            async () =>
            {
                try
                {
                    UpdateItemResponse response = await _client.UpdateItemAsync(request, cancellationToken);
                    return RowOf(key, response.Attributes) ?? throw _faults.Vanished(key.ShardId);
                }
                catch (ConditionalCheckFailedException refused)
                {
                    return await RefusedByAsync(key, refused, cancellationToken) ?? throw _faults.Vanished(key.ShardId);
                }
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The number of <paramref name="next"/> is not the one that follows.</exception>
    /// <exception cref="DynamoDbPositionException">The table cannot be written.</exception>
    public Task<bool> SetAsync(PositionKey key, StoredPosition? former, StoredPosition next, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(next);
        long number = (former?.Number ?? 0) + 1;
        if (next.Number != number)
        {
            throw new ArgumentException(
                $"Number {next.Number} does not follow {(former is null ? "no row" : $"{former.Number}")}: give {number}.", nameof(next));
        }

        PositionWrite write = former is null ? PositionRows.Create(next) : PositionRows.Replace(former, next);
        UpdateItemRequest request = write.ToRequest(_table, key);
        return OutsideOfTransactionsAsync(
            async () =>
            {
                try
                {
                    await _client.UpdateItemAsync(request, cancellationToken);
                    return true;
                }
                catch (ConditionalCheckFailedException refused)
                {
                    // a client that repeats a request whose answer was lost meets what it has written itself
                    return await RefusedByAsync(key, refused, cancellationToken) == next;
                }
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<DynamoDbTransaction> BeginAsync(CancellationToken cancellationToken) => cancellationToken.IsCancellationRequested
        ? Task.FromCanceled<DynamoDbTransaction>(cancellationToken)
        : Task.FromResult(new DynamoDbTransaction(this));

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The transaction was begun by another store.</exception>
    /// <exception cref="DynamoDbPositionException">DynamoDB failed.</exception>
    /// <exception cref="InvalidOperationException">The transaction was committed or ended before.</exception>
    /// <exception cref="RejectedOutputException">DynamoDB refuses an item for good. The index counts the items that were added.</exception>
    public Task<bool> CommitAsync(
        DynamoDbTransaction transaction,
        PositionKey key,
        StoredPosition former,
        CheckpointPosition position,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(former);
        return CommitAsync(
            transaction, key, former, former with { Number = former.Number + 1, Position = position, Runs = null }, cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The transaction was begun by another store.</exception>
    /// <exception cref="DynamoDbPositionException">DynamoDB failed.</exception>
    /// <exception cref="InvalidOperationException">The transaction was committed or ended before.</exception>
    /// <exception cref="RejectedOutputException">DynamoDB refuses an item for good. The index counts the items that were added.</exception>
    public async Task<bool> CommitAsync(
        DynamoDbTransaction transaction,
        PositionKey key,
        StoredPosition former,
        StoredPosition next,
        CancellationToken cancellationToken)
    {
        RequireOwn(transaction);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(former);
        ArgumentNullException.ThrowIfNull(next);
        cancellationToken.ThrowIfCancellationRequested();
        if (next.Runs is { Length: > MostOfRuns } runs)
        {
            // DynamoDB would refuse the request as a whole, as it does for a value that is too large
            throw _faults.TooManyRuns(key.ShardId, runs.Length);
        }

        List<TransactWriteItem> items = transaction.Close();
        PositionWrite move = PositionRows.Move(former, next);
        try
        {
            if (items.Count == 0)
            {
                // half the price of a transaction
                await _client.UpdateItemAsync(move.ToRequest(_table, key), cancellationToken);
                return true;
            }

            // The SDK adds a ClientRequestToken, and sends the same one when it repeats the request: an answer that was lost is given
            // again. A further call of this method has another token; the condition stops it.
            await _client.TransactWriteItemsAsync(
                new TransactWriteItemsRequest { TransactItems = [.. items, move.ToItem(_table, key)] }, cancellationToken);
            return true;
        }
        catch (ConditionalCheckFailedException)
        {
            return false;
        }
        catch (TransactionCanceledException exception)
        {
            await JudgeAsync(exception, items, key, former, cancellationToken);
            return false;
        }
        catch (AmazonServiceException exception) when (items.Count > 0 && PositionFaults.IsInvalid(exception))
        {
            throw _faults.Rejected(items, exception);
        }
        catch (Exception exception) when (PositionFaults.IsFault(exception, cancellationToken))
        {
            throw _faults.Explain(exception, items.Count == 0 ? "UpdateItem" : "TransactWriteItems", items);
        }
    }

    /// <inheritdoc/>
    public ValueTask EndAsync(DynamoDbTransaction transaction)
    {
        RequireOwn(transaction);
        transaction.End();
        return ValueTask.CompletedTask;
    }

    private static string EndpointOf(IAmazonDynamoDB client)
    {
        try
        {
            return client.DetermineServiceOperationEndpoint(new DescribeTableRequest { TableName = "positions" })?.URL.TrimEnd('/')
                ?? "the application's IAmazonDynamoDB";
        }
        catch (AmazonClientException)
        {
            // it has neither a region nor an endpoint; the first request says so
            return "the application's IAmazonDynamoDB";
        }
    }

    /// <summary>Returns where the row is another's, and throws what else the reasons say.</summary>
    private async Task JudgeAsync(
        TransactionCanceledException exception,
        List<TransactWriteItem> items,
        PositionKey key,
        StoredPosition former,
        CancellationToken cancellationToken)
    {
        // one for each item, in their order; the position is the last
        List<CancellationReason> reasons = exception.CancellationReasons ?? [];
        if (reasons.Count != items.Count + 1)
        {
            throw _faults.Cancelled(reasons, exception);
        }

        CancellationReason position = reasons[^1];
        if (position.Code == "ConditionalCheckFailed")
        {
            return;
        }

        if (PositionFaults.IsForGood(position))
        {
            throw _faults.PositionRefused(key.ShardId, position, exception);
        }

        int rejected = reasons.FindIndex(PositionFaults.IsForGood);
        if (rejected < 0 || position.Code is not (null or "None"))
        {
            throw _faults.Cancelled(reasons, exception);
        }

        // DynamoDB does not promise that it tells all reasons. An item that a later owner has written must not look like a refused value.
        StoredPosition? row = await ReadAsync(key, cancellationToken);
        if (row is not null && row.Epoch == former.Epoch && row.Number == former.Number)
        {
            throw _faults.Rejected(rejected, items, reasons[rejected], exception);
        }
    }

    /// <summary>The row that did not fulfil a condition.</summary>
    private async Task<StoredPosition?> RefusedByAsync(
        PositionKey key, ConditionalCheckFailedException refused, CancellationToken cancellationToken) =>
        RowOf(key, refused.Item) ?? await ReadAsync(key, cancellationToken);

    /// <summary>A transaction that is under way on the row is waited for; while it is, DynamoDB refuses the update.</summary>
    private Task<T> OutsideOfTransactionsAsync<T>(Func<Task<T>> update, CancellationToken cancellationToken) => ExplainedAsync(
        "UpdateItem",
        async () =>
        {
            for (int attempt = 1; ; attempt++)
            {
                try
                {
                    return await update();
                }
                catch (TransactionConflictException) when (attempt < MaxAttempts)
                {
                    await Task.Delay(s_firstDelay * (1 << (attempt - 1)), _timeProvider, cancellationToken);
                }
            }
        },
        cancellationToken);

    private async Task<T> ExplainedAsync<T>(string action, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return await call();
        }
        catch (Exception exception) when (PositionFaults.IsFault(exception, cancellationToken))
        {
            throw _faults.Explain(exception, action, []);
        }
    }

    private PositionKey KeyOf(string application, string streamArn, Dictionary<string, AttributeValue> item)
    {
        try
        {
            return PositionRows.ParseKey(application, streamArn, item);
        }
        catch (FormatException exception)
        {
            throw _faults.Unreadable($"stream '{streamArn}'", exception);
        }
    }

    private StoredPosition? RowOf(PositionKey key, Dictionary<string, AttributeValue>? item)
    {
        if (item is not { Count: > 0 })
        {
            return null;
        }

        try
        {
            return PositionRows.Parse(item);
        }
        catch (FormatException exception)
        {
            throw _faults.Unreadable(key.ShardId, exception);
        }
    }

    private void RequireOwn(DynamoDbTransaction transaction)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        if (transaction.Store != this)
        {
            throw new ArgumentException("The transaction was begun by another store: commit and end it there.", nameof(transaction));
        }
    }
}
