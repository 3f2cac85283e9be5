using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>Renewals and checkpoints of many leases: conditional writes, 25 to a request where that goes, several requests at a time.</summary>
internal sealed class LeaseUpdater(LeaseTable table, SettledWrite writer, LeaseBatchWriter batchWriter, BatchSupport batches)
{
    /// <summary>Requests under way at a time.</summary>
    public const int Parallelism = 8;

    public async Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken)
    {
        var results = new LeaseWriteResult[updates.Count];
        await WriteAsync(updates, [.. Enumerable.Range(0, updates.Count)], results, cancellationToken);

        // An earlier write of ours, given up as failed, arrived late: the lease is ours still, and the news goes on top of it.
        LeaseUpdate[] onTop = [.. updates];
        List<int> overtaken = [];
        for (int i = 0; i < onTop.Length; i++)
        {
            if (results[i] is { Outcome: LeaseWriteOutcome.Refused, Lease: { } row } && LeaseBatchWriter.IsNextOf(onTop[i].Held, row))
            {
                onTop[i] = onTop[i] with { Held = row };
                overtaken.Add(i);
            }
        }

        await WriteAsync(onTop, overtaken, results, cancellationToken);
        return results;
    }

    /// <summary>Writes those of the updates that <paramref name="indexes"/> names.</summary>
    private async Task WriteAsync(
        IReadOnlyList<LeaseUpdate> updates, IReadOnlyList<int> indexes, LeaseWriteResult[] results, CancellationToken cancellationToken)
    {
        ILookup<bool, int> batched = indexes.ToLookup(i => batches.IsOn && LeaseStatements.Suits(updates[i]));
        var single = new List<int>(batched[false]);
        List<int[]> full = [];
        foreach (int[] batch in batched[true].Chunk(LeaseBatchWriter.Capacity))
        {
            if (batch.Length > 1)
            {
                full.Add(batch);
            }
            else
            {
                // costs the same, and tells more
                single.Add(batch[0]);
            }
        }

        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(full, options, async (batch, token) =>
        {
            LeaseWriteResult?[] written = await batchWriter.WriteAsync([.. batch.Select(i => updates[i])], token);
            for (int i = 0; i < batch.Length; i++)
            {
                if (written[i] is { } result)
                {
                    results[batch[i]] = result;
                    continue;
                }

                lock (single)
                {
                    single.Add(batch[i]);
                }
            }
        });
        await Parallel.ForEachAsync(single, options, async (i, token) => results[i] = await WriteAsync(updates[i], token));
    }

    private Task<LeaseWriteResult> WriteAsync(LeaseUpdate update, CancellationToken cancellationToken) => writer.WriteAsync(
        update.Checkpoint is { } checkpoint ? LeaseRequests.WriteCheckpoint(table, update.Held, checkpoint, update.Throughput) : LeaseRequests.Renew(table, update.Held),
        update.Held,
        row => LeaseBatchWriter.TookEffect(update, row),
        cancellationToken);
}
