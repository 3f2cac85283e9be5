using System.Runtime.CompilerServices;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>Reads leases; consistently unless told otherwise.</summary>
internal sealed class LeaseReader(LeaseTable table, TimeProvider timeProvider, bool oneByOne = false)
{
    /// <summary>Single reads under way at a time, where several may not be asked for at once.</summary>
    private const int Parallelism = 8;

    /// <summary>DynamoDB's limit of keys in a request.</summary>
    private const int KeysPerRequest = 100;

    private const int UnprocessedRounds = 4;

    private static readonly TimeSpan s_unprocessedWait = TimeSpan.FromMilliseconds(50);

    private volatile bool _oneByOne = oneByOne;

    /// <summary>The rows with these keys, as far as there are any; each key once.</summary>
    public async Task<IReadOnlyList<Dictionary<string, AttributeValue>>> GetItemsAsync(
        IReadOnlyList<string> leaseKeys, bool consistent, CancellationToken cancellationToken)
    {
        List<Dictionary<string, AttributeValue>> found = [];
        foreach (string[] keys in leaseKeys.Chunk(KeysPerRequest))
        {
            if (_oneByOne || keys.Length == 1 || !await TryGetBatchAsync(keys, found, consistent, cancellationToken))
            {
                await GetOneByOneAsync(keys, found, consistent, cancellationToken);
            }
        }

        return found;
    }

    /// <summary>All rows, leases or not.</summary>
    public async IAsyncEnumerable<Dictionary<string, AttributeValue>> ScanAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken, bool consistent = true)
    {
        var request = new ScanRequest
        {
            TableName = table.Name,
            ConsistentRead = consistent,
            ReturnConsumedCapacity = ReturnConsumedCapacity.TOTAL,
        };
        do
        {
            ScanResponse page;
            try
            {
                page = await table.Reads.ScanAsync(request, cancellationToken);
                table.Meter.Read(page.ConsumedCapacity?.CapacityUnits, page.ScannedCount ?? 0, consistent);
            }
            catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
            {
                throw Fault(exception, "Scan");
            }

            foreach (Dictionary<string, AttributeValue> item in page.Items ?? [])
            {
                yield return item;
            }

            request.ExclusiveStartKey = page.LastEvaluatedKey;
        }
        while (request.ExclusiveStartKey is { Count: > 0 });
    }

    private async Task<Dictionary<string, AttributeValue>?> GetItemAsync(
        string leaseKey, bool consistent, CancellationToken cancellationToken)
    {
        var request = new GetItemRequest
        {
            TableName = table.Name,
            Key = AttributeValues.Key(leaseKey),
            ConsistentRead = consistent,
            ReturnConsumedCapacity = ReturnConsumedCapacity.TOTAL,
        };
        try
        {
            GetItemResponse response = await table.Reads.GetItemAsync(request, cancellationToken);
            table.Meter.Read(response.ConsumedCapacity?.CapacityUnits, 1, consistent);
            return response.Item;
        }
        catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
        {
            throw Fault(exception, "GetItem");
        }
    }

    /// <summary>False where the policy does not allow it, or the server does not know it.</summary>
    private async Task<bool> TryGetBatchAsync(
        string[] leaseKeys, List<Dictionary<string, AttributeValue>> found, bool consistent, CancellationToken cancellationToken)
    {
        var wanted = new KeysAndAttributes { Keys = [.. leaseKeys.Select(AttributeValues.Key)], ConsistentRead = consistent };
        TimeSpan wait = s_unprocessedWait;
        for (int round = 1; ; round++)
        {
            BatchGetItemResponse response;
            try
            {
                response = await table.Reads.BatchGetItemAsync(
                    new BatchGetItemRequest
                    {
                        RequestItems = new() { [table.Name] = wanted },
                        ReturnConsumedCapacity = ReturnConsumedCapacity.TOTAL,
                    },
                    cancellationToken);
            }
            catch (Exception exception) when (DynamoDbFault.IsDenied(exception) || DynamoDbFault.IsUnknownOperation(exception))
            {
                // KCL's own policy has no BatchGetItem, and single reads do as well
                _oneByOne = true;
                return false;
            }
            catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
            {
                throw Fault(exception, "BatchGetItem");
            }

            List<Dictionary<string, AttributeValue>> items = response.Responses is { } tables
                ? [.. tables.Values.SelectMany(static rows => rows)]
                : [];
            table.Meter.Read(LeaseTable.UnitsOf(response.ConsumedCapacity), items.Count, consistent);
            found.AddRange(items);
            if (response.UnprocessedKeys?.Values.FirstOrDefault() is not { Keys.Count: > 0 } left)
            {
                return true;
            }

            if (round == UnprocessedRounds)
            {
                var fault = new LeaseStoreException(
                    $"DynamoDB throttled BatchGetItem on the {table}: {left.Keys.Count} rows were not read. Give the table more "
                        + $"capacity, or on-demand billing.",
                    isTransient: true)
                {
                    IsThrottled = true,
                };
                table.Meter.Throttled(fault);
                throw fault;
            }

            wanted = new KeysAndAttributes { Keys = left.Keys, ConsistentRead = consistent };
            await Task.Delay(wait, timeProvider, cancellationToken);
            wait *= 2;
        }
    }

    private async Task GetOneByOneAsync(
        string[] leaseKeys, List<Dictionary<string, AttributeValue>> found, bool consistent, CancellationToken cancellationToken)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(leaseKeys, options, async (leaseKey, token) =>
        {
            Dictionary<string, AttributeValue>? item = await GetItemAsync(leaseKey, consistent, token);
            if (item is { Count: > 0 })
            {
                lock (found)
                {
                    found.Add(item);
                }
            }
        });
    }

    private LeaseStoreException Fault(Exception exception, string action)
    {
        LeaseStoreException fault = DynamoDbFault.Translate(exception, action, table);
        table.Meter.Failed(fault);
        return fault;
    }
}
