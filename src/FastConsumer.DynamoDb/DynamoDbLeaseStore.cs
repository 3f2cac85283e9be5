using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;
using Microsoft.Extensions.Logging;

namespace FastConsumer.DynamoDb;

/// <summary>Leases on a DynamoDB table in KCL's layout. Thread-safe. The connection belongs to the factory.</summary>
internal sealed class DynamoDbLeaseStore : IMeteredLeaseStore
{
    private readonly LeaseTable _table;
    private readonly LeaseTableSetup _setup;
    private readonly LeaseReader _reader;
    private readonly SettledWrite _writer;
    private readonly LeaseUpdater _updater;
    private readonly Kcl3FleetCheck _kcl3;
    private readonly string _session;

    public DynamoDbLeaseStore(LeaseTable table, string applicationName, string session, DynamoDbLeaseOptions options, TimeProvider timeProvider, ILogger logger)
    {
        _session = session;
        _table = table;
        _setup = new LeaseTableSetup(table, options, timeProvider, logger);
        _reader = new LeaseReader(table, timeProvider, oneByOne: !options.BatchWrites);
        _writer = new SettledWrite(table, _reader);
        var batches = new BatchSupport(table, options, timeProvider, logger);
        _updater = new LeaseUpdater(table, _writer, new LeaseBatchWriter(table, _reader, batches), batches);
        _kcl3 = new Kcl3FleetCheck(table, applicationName, _reader, options, timeProvider, logger);
    }

    public string Description => _table.ToString();

    public LeaseTableUse Use => _table.Meter.Use;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        TableDescription description = await _setup.PrepareAsync(cancellationToken);
        await _kcl3.CheckAsync(description, cancellationToken);
    }

    public Task<LeaseTableLimits> DescribeThroughputAsync(CancellationToken cancellationToken) => _setup.DescribeThroughputAsync(cancellationToken);

    public async Task<IReadOnlyList<Lease>> ListAsync(ReadConsistency consistency, CancellationToken cancellationToken)
    {
        List<Lease> leases = [];
        List<Kcl3Sign> signs = [];
        await foreach (Dictionary<string, AttributeValue> item in _reader.ScanAsync(cancellationToken, consistency == ReadConsistency.Strong))
        {
            if (LeaseItem.Read(item, _table) is { } lease)
            {
                leases.Add(lease);
            }

            if (Kcl3Sign.InLeaseTable(item) is { } sign)
            {
                signs.Add(sign);
            }
        }

        _kcl3.Check(signs);
        return leases;
    }

    public Task<Lease?> GetAsync(string leaseKey, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(leaseKey);
        return _reader.GetAsync(leaseKey, cancellationToken);
    }

    public async Task<IReadOnlyList<Lease>> GetManyAsync(IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(leaseKeys);
        Dictionary<string, Dictionary<string, AttributeValue>> rows = await _reader.GetItemsAsync(
            [.. leaseKeys.Distinct(StringComparer.Ordinal)], cancellationToken, consistency == ReadConsistency.Strong);
        return [.. rows.Values.Select(row => LeaseItem.Read(row, _table)).OfType<Lease>()];
    }

    public async Task<bool> CreateAsync(Lease lease, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(lease);
        try
        {
            PutItemResponse response = await _table.Writes.PutItemAsync(LeaseRequests.Create(_table, lease), cancellationToken);
            _table.Meter.Wrote(response.ConsumedCapacity?.CapacityUnits);
            return true;
        }
        catch (ConditionalCheckFailedException)
        {
            _table.Meter.Wrote(null);
            return false;
        }
        catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
        {
            LeaseStoreException fault = Fault(exception, "PutItem");
            if (!DynamoDbFault.LeavesDoubt(exception))
            {
                throw fault;
            }

            // Two workers create the same row from the same shard: whose it is cannot be told and does not matter.
            Lease? row = await ReadBackAsync(lease.LeaseKey, fault, cancellationToken);
            if (row is not null)
            {
                return SettledWrite.IsAs(lease with { CheckpointOwner = null }, row) && row.Checkpoint == lease.Checkpoint;
            }

            throw fault;
        }
    }

    public async Task<LeaseWriteResult> TakeAsync(Lease observed, string owner, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observed);
        ArgumentException.ThrowIfNullOrEmpty(owner);
        LeaseWriteResult result = await _writer.WriteAsync(
            LeaseRequests.Take(_table, observed, owner, _session),
            observed,
            // a release to this worker and a late renewal of its own leave the same owner and counter: only who took it last tells
            row => row.LeaseOwner == owner && row.CheckpointOwner is null && row.TakenBy == owner && row.Session == _session && observed.TakenBy != owner,
            cancellationToken);
        return Settled(result);
    }

    public Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(updates);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach (LeaseUpdate update in updates)
        {
            RequireOwner(update.Held, nameof(updates));
            if (!keys.Add(update.Held.LeaseKey))
            {
                throw new ArgumentException($"There are two updates of lease '{update.Held.LeaseKey}': one write per lease at a time.", nameof(updates));
            }
        }

        return _updater.UpdateAsync(updates, cancellationToken);
    }

    public async Task<LeaseWriteResult> ReleaseAsync(Lease held, string? successor, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(held);
        RequireOwner(held, nameof(held));
        string? remaining = held.CheckpointOwner is null ? successor : held.LeaseOwner;
        LeaseWriteResult result = await _writer.WriteAsync(
            LeaseRequests.Release(_table, held, successor),
            held,
            row => row.CheckpointOwner is null && row.LeaseOwner == remaining,
            cancellationToken);
        return Settled(result);
    }

    public async Task<LeaseWriteResult> RequestAsync(Lease observed, string? requester, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observed);
        RequireOwner(observed, nameof(observed));
        LeaseWriteResult result = await _writer.WriteAsync(LeaseRequests.Request(_table, observed, requester), observed, static _ => false, cancellationToken);
        // the counter tells nothing here: the owner goes on writing meanwhile
        return result is { Outcome: not LeaseWriteOutcome.Written, Lease: { } row }
            && row.LeaseOwner == observed.LeaseOwner
            && row.CheckpointOwner is null
            && row.RequestedBy == requester
            ? new LeaseWriteResult(LeaseWriteOutcome.Written, row)
            : Settled(result);
    }

    public async Task<bool> RingAsync(string leaseKey, string owner, string ring, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(leaseKey);
        ArgumentException.ThrowIfNullOrEmpty(owner);
        ArgumentException.ThrowIfNullOrEmpty(ring);
        try
        {
            UpdateItemResponse response = await _table.Reads.UpdateItemAsync(LeaseRequests.Ring(_table, leaseKey, owner, ring), cancellationToken);
            _table.Meter.Wrote(response.ConsumedCapacity?.CapacityUnits);
            return true;
        }
        catch (ConditionalCheckFailedException)
        {
            _table.Meter.Wrote(null);
            return false;
        }
        catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
        {
            throw Fault(exception, "UpdateItem");
        }
    }

    public async Task UpdateChildrenAsync(string leaseKey, IReadOnlyList<string> childShardIds, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(leaseKey);
        ArgumentNullException.ThrowIfNull(childShardIds);
        try
        {
            UpdateItemResponse response =
                await _table.Reads.UpdateItemAsync(LeaseRequests.UpdateChildren(_table, leaseKey, childShardIds), cancellationToken);
            _table.Meter.Wrote(response.ConsumedCapacity?.CapacityUnits);
        }
        catch (ConditionalCheckFailedException)
        {
            _table.Meter.Wrote(null);
            // The lease is gone, and with it what there was to write on it.
        }
        catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
        {
            throw Fault(exception, "UpdateItem");
        }
    }

    public async Task<bool> DeleteAsync(Lease observed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observed);
        LeaseStoreException? fault = null;
        try
        {
            DeleteItemResponse response = await _table.Writes.DeleteItemAsync(LeaseRequests.Delete(_table, observed), cancellationToken);
            _table.Meter.Wrote(response.ConsumedCapacity?.CapacityUnits);
            return true;
        }
        catch (ConditionalCheckFailedException)
        {
            _table.Meter.Wrote(null);
            return !await _reader.ExistsAsync(observed.LeaseKey, cancellationToken);
        }
        catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
        {
            fault = Fault(exception, "DeleteItem");
            if (!DynamoDbFault.LeavesDoubt(exception))
            {
                throw fault;
            }
        }

        Lease? row = await ReadBackAsync(observed.LeaseKey, fault, cancellationToken);
        return row is null || (SettledWrite.IsAs(observed, row) ? throw fault : false);
    }

    /// <summary>Does nothing: the connection is shared by all stores of the consumer.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>The row after a write whose answer was lost; where it cannot be read, the write's own fault is the news.</summary>
    private async Task<Lease?> ReadBackAsync(string leaseKey, LeaseStoreException fault, CancellationToken cancellationToken)
    {
        try
        {
            return await _reader.GetAsync(leaseKey, cancellationToken);
        }
        catch (LeaseStoreException)
        {
            throw fault;
        }
    }

    private LeaseStoreException Fault(Exception exception, string action)
    {
        LeaseStoreException fault = DynamoDbFault.Translate(exception, action, _table);
        _table.Meter.Failed(fault);
        return fault;
    }

    private static LeaseWriteResult Settled(LeaseWriteResult result) =>
        result is { Outcome: LeaseWriteOutcome.Failed, Error: { } error } ? throw error : result;

    private static void RequireOwner(Lease held, string parameter)
    {
        if (held.LeaseOwner is null)
        {
            throw new ArgumentException($"The lease '{held.LeaseKey}' has no owner: only what a worker holds can be renewed, released or asked for.", parameter);
        }
    }
}
