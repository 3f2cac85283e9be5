using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;
using Microsoft.Extensions.Logging;

namespace FastConsumer.DynamoDb;

/// <summary>Leases on a DynamoDB table in KCL's layout. Thread-safe. The connection belongs to the factory.</summary>
internal sealed class DynamoDbLeaseStore : ILeaseStore
{
    private readonly LeaseTable _table;
    private readonly LeaseTableSetup _setup;
    private readonly LeaseReader _reader;
    private readonly LeaseWriter _writer;
    private readonly LeaseUpdater _updater;

    public DynamoDbLeaseStore(LeaseTable table, DynamoDbLeaseOptions options, TimeProvider timeProvider, ILogger logger)
    {
        _table = table;
        _setup = new LeaseTableSetup(table, options, timeProvider, logger);
        _reader = new LeaseReader(table);
        _writer = new LeaseWriter(table, _reader);
        _updater = new LeaseUpdater(table, _writer);
    }

    public string Description => _table.ToString();

    public Task PrepareAsync(CancellationToken cancellationToken) => _setup.PrepareAsync(cancellationToken);

    public Task<IReadOnlyList<Lease>> ListAsync(CancellationToken cancellationToken) => _reader.ListAsync(cancellationToken);

    public Task<Lease?> GetAsync(string leaseKey, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(leaseKey);
        return _reader.GetAsync(leaseKey, cancellationToken);
    }

    public async Task<bool> CreateAsync(Lease lease, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(lease);
        try
        {
            await _table.Writes.PutItemAsync(LeaseRequests.Create(_table, lease), cancellationToken);
            return true;
        }
        catch (ConditionalCheckFailedException)
        {
            return false;
        }
        catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
        {
            LeaseStoreException fault = DynamoDbFault.Translate(exception, "PutItem", _table);
            if (!DynamoDbFault.LeavesDoubt(exception))
            {
                throw fault;
            }

            // Two workers create the same row from the same shard: whose it is cannot be told and does not matter.
            Lease? row = await ReadBackAsync(lease.LeaseKey, fault, cancellationToken);
            if (row is not null)
            {
                return LeaseWriter.IsAs(lease with { CheckpointOwner = null }, row) && row.Checkpoint == lease.Checkpoint;
            }

            throw fault;
        }
    }

    public async Task<LeaseWriteResult> TakeAsync(Lease observed, string owner, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observed);
        ArgumentException.ThrowIfNullOrEmpty(owner);
        LeaseWriteResult result = await _writer.WriteAsync(
            LeaseRequests.Take(_table, observed, owner),
            observed,
            row => row.LeaseOwner == owner && row.CheckpointOwner is null,
            cancellationToken);
        return Settled(result);
    }

    public Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(updates);
        foreach (LeaseUpdate update in updates)
        {
            RequireOwner(update.Held, nameof(updates));
        }

        return _updater.UpdateAsync(updates, cancellationToken);
    }

    public async Task<LeaseWriteResult> ReleaseAsync(Lease held, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(held);
        RequireOwner(held, nameof(held));
        string? remaining = held.CheckpointOwner is null ? null : held.LeaseOwner;
        LeaseWriteResult result = await _writer.WriteAsync(
            LeaseRequests.Release(_table, held),
            held,
            row => row.CheckpointOwner is null && row.LeaseOwner == remaining,
            cancellationToken);
        return Settled(result);
    }

    public async Task UpdateChildrenAsync(string leaseKey, IReadOnlyList<string> childShardIds, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(leaseKey);
        ArgumentNullException.ThrowIfNull(childShardIds);
        try
        {
            await _table.Reads.UpdateItemAsync(LeaseRequests.UpdateChildren(_table, leaseKey, childShardIds), cancellationToken);
        }
        catch (ConditionalCheckFailedException)
        {
            // The lease is gone, and with it what there was to write on it.
        }
        catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
        {
            throw DynamoDbFault.Translate(exception, "UpdateItem", _table);
        }
    }

    public async Task<bool> DeleteAsync(Lease observed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observed);
        LeaseStoreException? fault = null;
        try
        {
            await _table.Writes.DeleteItemAsync(LeaseRequests.Delete(_table, observed), cancellationToken);
            return true;
        }
        catch (ConditionalCheckFailedException)
        {
            return !await _reader.ExistsAsync(observed.LeaseKey, cancellationToken);
        }
        catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
        {
            fault = DynamoDbFault.Translate(exception, "DeleteItem", _table);
            if (!DynamoDbFault.LeavesDoubt(exception))
            {
                throw fault;
            }
        }

        Lease? row = await ReadBackAsync(observed.LeaseKey, fault, cancellationToken);
        return row is null || (LeaseWriter.IsAs(observed, row) ? throw fault : false);
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

    private static LeaseWriteResult Settled(LeaseWriteResult result) =>
        result is { Outcome: LeaseWriteOutcome.Failed, Error: { } error } ? throw error : result;

    private static void RequireOwner(Lease held, string parameter)
    {
        if (held.LeaseOwner is null)
        {
            throw new ArgumentException($"The lease '{held.LeaseKey}' has no owner: only what a worker holds can be renewed or released.", parameter);
        }
    }
}
