using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;
using Microsoft.Extensions.Logging;

namespace FastConsumer.DynamoDb;

/// <summary>
/// Refuses to work beside a running fleet of KCL 3.x, whose leader hands out every lease of the table. At start it waits until a
/// fleet can be told from what one left behind; later it looks at what is read anyway.
/// </summary>
internal sealed class Kcl3FleetCheck(
    LeaseTable table, string applicationName, LeaseReader reader, DynamoDbLeaseOptions options, TimeProvider timeProvider, ILogger logger)
{
    /// <summary>Some renewals of KCL, of which each may write a lease's throughput.</summary>
    private static readonly TimeSpan s_renewals = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_slowestLook = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Reports this old are left over whatever the clocks say: workers report each 30 s, and AWS refuses the signature of a clock
    /// that is more than some minutes wrong.
    /// </summary>
    private static readonly TimeSpan s_surelyStale = TimeSpan.FromHours(1);

    private readonly Kcl3FleetWatch _watch = new(timeProvider, options.Kcl3ObservationTime);

    /// <summary>Looks until a running fleet would have shown itself.</summary>
    /// <exception cref="LeaseStoreException">One is running.</exception>
    public async Task CheckAsync(TableDescription description, CancellationToken cancellationToken)
    {
        if (options.AllowKcl3Fleet)
        {
            return;
        }

        long started = timeProvider.GetTimestamp();
        List<Kcl3Evidence> evidence = await LookAsync(cancellationToken);
        Refuse(_watch.Observe(evidence));
        TimeSpan patience = PatienceFor(evidence, description);
        if (patience == TimeSpan.Zero)
        {
            return;
        }

        string kinds = string.Join(", ", evidence.Select(static found => found.Kind).Distinct().Order());
        LeaseStoreLog.WatchingForKcl3(logger, table.ToString(), kinds, patience);
        TimeSpan interval = patience / 9 < s_slowestLook ? patience / 9 : s_slowestLook;
        while (timeProvider.GetElapsedTime(started) < patience)
        {
            await Task.Delay(interval, timeProvider, cancellationToken);
            Refuse(_watch.Observe(await LookAsync(cancellationToken)));
        }
    }

    /// <summary>Looks at rows of the lease table that were read for another purpose.</summary>
    /// <exception cref="LeaseStoreException">A fleet of KCL 3.x is running.</exception>
    public void Check(IEnumerable<Kcl3Evidence> evidence)
    {
        if (!options.AllowKcl3Fleet)
        {
            Refuse(_watch.Observe(evidence));
        }
    }

    /// <summary>How long a running fleet may keep still, given what it would show.</summary>
    private TimeSpan PatienceFor(List<Kcl3Evidence> evidence, TableDescription description)
    {
        List<Kcl3Evidence> workers = [.. evidence.Where(static found => found.Kind == Kcl3EvidenceKind.WorkerMetrics)];
        if (workers.Count > 0)
        {
            // a leader is a worker, and reports as all do
            DateTimeOffset now = timeProvider.GetUtcNow();
            return workers.TrueForAll(worker => worker.WrittenAt is { } writtenAt && now - writtenAt > s_surelyStale)
                ? TimeSpan.Zero
                : options.Kcl3ObservationTime;
        }

        if (evidence.Exists(static found => found.Kind == Kcl3EvidenceKind.Leader))
        {
            return options.Kcl3ObservationTime;
        }

        // KCL 3.x was here, and its other tables, which may bear any name, tell nothing
        bool hasIndex = description.GlobalSecondaryIndexes?.Exists(static index =>
            index.KeySchema.Exists(static key => key.AttributeName == Lease.Names.LeaseOwner && key.KeyType == KeyType.HASH)) == true;
        return hasIndex && evidence.Exists(static found => found.Kind == Kcl3EvidenceKind.OwnedThroughput)
            ? (s_renewals < options.Kcl3ObservationTime ? s_renewals : options.Kcl3ObservationTime)
            : TimeSpan.Zero;
    }

    private async Task<List<Kcl3Evidence>> LookAsync(CancellationToken cancellationToken)
    {
        List<Kcl3Evidence> evidence = [];
        await foreach (Dictionary<string, AttributeValue> item in reader.ScanAsync(cancellationToken))
        {
            if (Kcl3Evidence.InLeaseTable(item) is { } found)
            {
                evidence.Add(found);
            }
        }

        // before 3.5 they are in tables of their own
        evidence.AddRange((await ScanBesideAsync("-WorkerMetricStats", cancellationToken)).Select(Kcl3Evidence.InMetricsTable));
        foreach (Dictionary<string, AttributeValue> item in await ScanBesideAsync("-CoordinatorState", cancellationToken))
        {
            if (Kcl3Evidence.InCoordinatorTable(item) is { } found)
            {
                evidence.Add(found);
            }
        }

        return evidence;
    }

    private async Task<List<Dictionary<string, AttributeValue>>> ScanBesideAsync(string suffix, CancellationToken cancellationToken)
    {
        LeaseTable beside = table.Beside(applicationName + suffix);
        try
        {
            ScanResponse page = await beside.Reads.ScanAsync(
                new ScanRequest { TableName = beside.Name, ConsistentRead = true }, cancellationToken);
            return page.Items ?? [];
        }
        catch (ResourceNotFoundException)
        {
            return [];
        }
        catch (Exception exception) when (DynamoDbFault.IsDenied(exception))
        {
            // a policy for the lease table alone is usual; the table's own rows tell, then
            LeaseStoreLog.Kcl3TableNotReadable(logger, beside.ToString(), exception.Message);
            return [];
        }
        catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
        {
            throw DynamoDbFault.Translate(exception, "Scan", beside);
        }
    }

    private void Refuse(string? moved)
    {
        if (moved is not null)
        {
            throw new LeaseStoreException(
                $"KCL 3.x workers are running on the {table}: the {moved} has just changed. Their leader hands out all leases and knows no "
                + "FastConsumer worker, so both would take shards from each other. Stop the KCL 3.x workers first, then start "
                + "FastConsumer, which goes on from their checkpoints (KCL 1.x and 2.x workers may go on running meanwhile). To run "
                + "beside them all "
                + "the same, with records processed more than once, set DynamoDbLeaseOptions.AllowKcl3Fleet.",
                isTransient: false)
            {
                IsKclFleet = true,
            };
        }
    }
}
