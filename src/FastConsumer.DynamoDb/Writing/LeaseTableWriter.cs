using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>
/// Sends writes of rows, each once: up to 25 in one request where they are statements and the server and the policy know batches, else one
/// by one.
/// </summary>
internal sealed class LeaseTableWriter(LeaseTable table, BatchSupport batches)
{
    /// <summary>DynamoDB's limit of statements in a request.</summary>
    public const int StatementsPerRequest = 25;

    /// <summary>Requests under way at a time.</summary>
    private const int Parallelism = 8;

    public async Task<IReadOnlyList<LeaseWrite.Result>> WriteAsync(IReadOnlyList<LeaseWrite> writes, CancellationToken cancellationToken)
    {
        var results = new LeaseWrite.Result[writes.Count];
        bool inBatches = batches.IsOn;
        int[][] requests = inBatches
            ? [.. Enumerable.Range(0, writes.Count).Where(i => WriteRequests.SuitsStatement(writes[i])).Chunk(StatementsPerRequest)]
            : [];
        // alone it costs the same by UpdateItem, and its answer tells more
        requests = [.. requests.Where(static request => request.Length > 1)];
        var single = new List<int>(Enumerable.Range(0, writes.Count).Except(requests.SelectMany(static request => request)));
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(requests, options, async (request, token) =>
        {
            LeaseWrite.Result?[] written = await WriteTogetherAsync([.. request.Select(i => writes[i])], token);
            for (int i = 0; i < request.Length; i++)
            {
                if (written[i] is { } result)
                {
                    results[request[i]] = result;
                    continue;
                }

                lock (single)
                {
                    single.Add(request[i]);
                }
            }
        });
        await Parallel.ForEachAsync(single, options, async (i, token) => results[i] = await SendAsync(
            "UpdateItem",
            async () =>
            {
                UpdateItemResponse response = await table.Writes.UpdateItemAsync(WriteRequests.Update(table.Name, writes[i]), token);
                table.Meter.Wrote(response.ConsumedCapacity?.CapacityUnits);
                return AttributeValues.ToLease(response.Attributes);
            },
            token));
        return results;
    }

    public Task<LeaseWrite.Result> CreateAsync(Lease lease, CancellationToken cancellationToken) => SendAsync(
        "PutItem",
        async () =>
        {
            PutItemResponse response = await table.Writes.PutItemAsync(WriteRequests.Create(table.Name, lease), cancellationToken);
            table.Meter.Wrote(response.ConsumedCapacity?.CapacityUnits);
            return Lease.Read(lease.LeaseKey, lease.ToAttributes());
        },
        cancellationToken);

    /// <exception cref="NotSupportedException">The server knows no transactions.</exception>
    public async Task<LeaseWrite.Result> CreateAsync(
        Lease lease, IReadOnlyList<string> whileThere, CancellationToken cancellationToken)
    {
        LeaseWrite.Result result = await SendAsync(
            "TransactWriteItems",
            async () =>
            {
                TransactWriteItemsResponse response = await table.Writes.TransactWriteItemsAsync(
                    WriteRequests.Create(table.Name, lease, whileThere), cancellationToken);
                table.Meter.Wrote(LeaseTable.UnitsOf(response.ConsumedCapacity));
                return Lease.Read(lease.LeaseKey, lease.ToAttributes());
            },
            cancellationToken);
        return DynamoDbFault.LacksOperation(result.Error?.InnerException)
            ? throw new NotSupportedException(
                $"The server of the {table} knows no TransactWriteItems: it can keep no leases of processors with [State]. DynamoDB does.",
                result.Error)
            : result;
    }

    public Task<LeaseWrite.Result> DeleteAsync(Lease observed, CancellationToken cancellationToken) => SendAsync(
        "DeleteItem",
        async () =>
        {
            DeleteItemResponse response = await table.Writes.DeleteItemAsync(WriteRequests.Delete(table.Name, observed), cancellationToken);
            table.Meter.Wrote(response.ConsumedCapacity?.CapacityUnits);
            return null;
        },
        cancellationToken);

    private async Task<LeaseWrite.Result> SendAsync(string action, Func<Task<Lease?>> send, CancellationToken cancellationToken)
    {
        try
        {
            return new LeaseWrite.Result(LeaseWrite.Outcome.Written, await send());
        }
        catch (ConditionalCheckFailedException refused)
        {
            // it costs as much as one that takes effect
            table.Meter.Wrote(null);
            return new LeaseWrite.Result(LeaseWrite.Outcome.Refused, AttributeValues.ToLease(refused.Item));
        }
        catch (TransactionCanceledException cancelled) when (RefusalOf(cancelled) is { } reason)
        {
            table.Meter.Wrote(null);
            return new LeaseWrite.Result(
                LeaseWrite.Outcome.Refused, reason.Item is { Count: > 0 } item ? AttributeValues.ToLease(item) : null);
        }
        catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
        {
            return Failed(exception, action);
        }
    }

    /// <summary>The condition that a transaction failed on; null where it failed for another reason, and may succeed later.</summary>
    private static CancellationReason? RefusalOf(TransactionCanceledException cancelled) =>
        cancelled.CancellationReasons?.Find(static reason => reason.Code == "ConditionalCheckFailed");

    /// <returns>In the order of the writes; null for those that were certainly not written and have to go by single requests.</returns>
    private async Task<LeaseWrite.Result?[]> WriteTogetherAsync(IReadOnlyList<LeaseWrite> writes, CancellationToken cancellationToken)
    {
        BatchExecuteStatementResponse response;
        try
        {
            response = await table.Writes.BatchExecuteStatementAsync(
                new BatchExecuteStatementRequest
                {
                    Statements = [.. writes.Select(write => WriteRequests.Statement(table.Name, write))],
                    ReturnConsumedCapacity = Amazon.DynamoDBv2.ReturnConsumedCapacity.TOTAL,
                },
                cancellationToken);
        }
        catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
        {
            LeaseWrite.Result failed = Failed(exception, "BatchExecuteStatement");
            if (DynamoDbFault.IsDenied(exception))
            {
                batches.Denied(exception.Message);
            }
            else if (DynamoDbFault.IsUnknownOperation(exception))
            {
                batches.Unknown(exception.Message);
            }
            else
            {
                return [.. Enumerable.Repeat((LeaseWrite.Result?)failed, writes.Count)];
            }

            return new LeaseWrite.Result?[writes.Count];
        }

        table.Meter.Wrote(LeaseTable.UnitsOf(response.ConsumedCapacity), writes.Count);
        List<BatchStatementResponse> answers = response.Responses ?? [];
        return [.. writes.Select((_, i) => i < answers.Count
            ? Read(answers[i].Error)
            : Read(new BatchStatementError { Message = "no answer to this statement" }))];
    }

    private LeaseWrite.Result? Read(BatchStatementError? error)
    {
        switch (error?.Code?.Value)
        {
            case null when error is null:
                return new LeaseWrite.Result(LeaseWrite.Outcome.Written);
            case "ConditionalCheckFailed":
                return new LeaseWrite.Result(LeaseWrite.Outcome.Refused, AttributeValues.ToLease(error.Item));
            case "AccessDenied":
                batches.Denied(error.Message ?? "AccessDenied");
                return null;
            case null or "InternalServerError":
                return new LeaseWrite.Result(LeaseWrite.Outcome.Unknown, Error: DynamoDbFault.Translate(error, table));
            default:
                LeaseStoreException fault = DynamoDbFault.Translate(error, table);
                table.Meter.Throttled(fault);
                return new LeaseWrite.Result(LeaseWrite.Outcome.NotWritten, Error: fault);
        }
    }

    private LeaseWrite.Result Failed(Exception exception, string action)
    {
        LeaseStoreException fault = DynamoDbFault.Translate(exception, action, table);
        table.Meter.Failed(fault);
        return new LeaseWrite.Result(
            DynamoDbFault.LeavesDoubt(exception) ? LeaseWrite.Outcome.Unknown : LeaseWrite.Outcome.NotWritten, Error: fault);
    }
}
