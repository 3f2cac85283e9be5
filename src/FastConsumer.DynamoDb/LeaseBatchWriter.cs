using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>
/// Sends up to 25 conditional writes in one request and finds out what became of each. As with single ones, neither a refusal nor
/// a lost answer is believed before the rows are read back.
/// </summary>
internal sealed class LeaseBatchWriter(LeaseTable table, LeaseReader reader, BatchSupport support)
{
    /// <summary>DynamoDB's limit of statements in a request.</summary>
    public const int Capacity = 25;

    /// <summary>Sends the writes once, in one request.</summary>
    /// <returns>In the order of the updates; null for those that did not take effect and have to go by single writes.</returns>
    public async Task<LeaseWriteResult?[]> WriteAsync(IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken)
    {
        var results = new LeaseWriteResult?[updates.Count];
        var doubtful = new Dictionary<int, LeaseStoreException?>();
        try
        {
            BatchExecuteStatementResponse response =
                await table.Writes.BatchExecuteStatementAsync(LeaseStatements.Batch(table, updates), cancellationToken);
            Read(response, updates, results, doubtful);
        }
        catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
        {
            LeaseStoreException fault = DynamoDbFault.Translate(exception, "BatchExecuteStatement", table);
            table.Meter.Failed(fault);
            if (DynamoDbFault.IsDenied(exception))
            {
                support.Denied(exception.Message);
            }
            else if (DynamoDbFault.IsUnknownOperation(exception))
            {
                support.Unknown(exception.Message);
            }
            else
            {
                bool inDoubt = DynamoDbFault.LeavesDoubt(exception);
                for (int i = 0; i < updates.Count; i++)
                {
                    if (inDoubt)
                    {
                        doubtful[i] = fault;
                    }
                    else
                    {
                        results[i] = new LeaseWriteResult(LeaseWriteOutcome.Failed, null, fault);
                    }
                }
            }
        }

        await SettleAsync(updates, results, doubtful, cancellationToken);
        return results;
    }

    /// <summary>True where a row, whose counter is the next one, is what the write makes of it.</summary>
    public static bool TookEffect(LeaseUpdate update, Lease row) =>
        IsNextOf(update.Held, row) && (update.Checkpoint is not { } checkpoint || row.Checkpoint == checkpoint);

    /// <summary>True where the row is what this owner's next write leaves, whichever it was, and not that of another process of the same name.</summary>
    public static bool IsNextOf(Lease held, Lease row) =>
        row.LeaseCounter == held.LeaseCounter + 1 && row.LeaseOwner == held.LeaseOwner && row.CheckpointOwner is null && row.Session == held.Session;

    private void Read(
        BatchExecuteStatementResponse response,
        IReadOnlyList<LeaseUpdate> updates,
        LeaseWriteResult?[] results,
        Dictionary<int, LeaseStoreException?> doubtful)
    {
        table.Meter.Wrote(LeaseTableMeter.Sum(response.ConsumedCapacity), updates.Count);
        List<BatchStatementResponse> answers = response.Responses ?? [];
        for (int i = 0; i < updates.Count; i++)
        {
            BatchStatementError? error = i < answers.Count ? answers[i].Error : new BatchStatementError { Message = "no answer to this statement" };
            switch (error?.Code?.Value)
            {
                case null when error is null:
                    results[i] = new LeaseWriteResult(LeaseWriteOutcome.Written, LeaseStatements.Result(updates[i]));
                    break;
                case "ConditionalCheckFailed":
                    doubtful[i] = null;
                    break;
                case "AccessDenied":
                    support.Denied(error.Message ?? "AccessDenied");
                    break;
                case null or "InternalServerError":
                    doubtful[i] = DynamoDbFault.Translate(error, table);
                    break;
                default:
                    LeaseStoreException fault = DynamoDbFault.Translate(error, table);
                    table.Meter.Throttled(fault);
                    results[i] = new LeaseWriteResult(LeaseWriteOutcome.Failed, null, fault);
                    break;
            }
        }
    }

    private async Task SettleAsync(
        IReadOnlyList<LeaseUpdate> updates,
        LeaseWriteResult?[] results,
        Dictionary<int, LeaseStoreException?> doubtful,
        CancellationToken cancellationToken)
    {
        if (doubtful.Count == 0)
        {
            return;
        }

        Dictionary<string, Dictionary<string, AttributeValue>>? rows = null;
        LeaseStoreException? unreadable = null;
        try
        {
            rows = await reader.GetItemsAsync([.. doubtful.Keys.Select(i => updates[i].Held.LeaseKey)], cancellationToken);
        }
        catch (LeaseStoreException fault)
        {
            unreadable = fault;
        }

        foreach ((int i, LeaseStoreException? fault) in doubtful)
        {
            Lease held = updates[i].Held;
            try
            {
                results[i] = rows is null
                    ? new LeaseWriteResult(LeaseWriteOutcome.Failed, null, SettledWrite.Unsettled(fault, unreadable!))
                    : SettledWrite.Settle(held, LeaseItem.Read(rows.GetValueOrDefault(held.LeaseKey), table), row => TookEffect(updates[i], row), fault);
            }
            catch (LeaseStoreException senseless)
            {
                results[i] = new LeaseWriteResult(LeaseWriteOutcome.Failed, null, fault ?? senseless);
            }
        }
    }
}
