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
    private readonly LeaseTableWriter _writer;
    private readonly Kcl3FleetCheck _kcl3;

    public DynamoDbLeaseStore(
        LeaseTable table, string applicationName, DynamoDbLeaseOptions options, TimeProvider timeProvider, ILogger logger)
    {
        _table = table;
        _setup = new LeaseTableSetup(table, options, timeProvider, logger);
        _reader = new LeaseReader(table, timeProvider, oneByOne: !options.BatchWrites);
        _writer = new LeaseTableWriter(table, new BatchSupport(table, options, timeProvider, logger));
        _kcl3 = new Kcl3FleetCheck(table, applicationName, _reader, options, timeProvider, logger);
    }

    public string Description => _table.ToString();

    public LeaseTableUse Use => _table.Meter.Use;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        TableDescription description = await _setup.PrepareAsync(cancellationToken);
        await _kcl3.CheckAsync(description, cancellationToken);
    }

    public Task<LeaseTableLimits> DescribeThroughputAsync(CancellationToken cancellationToken) =>
        _setup.DescribeThroughputAsync(cancellationToken);

    public async Task<IReadOnlyList<Lease>> ListAsync(ReadConsistency consistency, CancellationToken cancellationToken)
    {
        List<Lease> leases = [];
        List<Kcl3Evidence> evidence = [];
        await foreach (
            Dictionary<string, AttributeValue> item in _reader.ScanAsync(cancellationToken, consistency == ReadConsistency.Strong))
        {
            if (AttributeValues.ToLease(item) is { } lease)
            {
                leases.Add(lease);
            }

            if (Kcl3Evidence.InLeaseTable(item) is { } found)
            {
                evidence.Add(found);
            }
        }

        _kcl3.Check(evidence);
        return leases;
    }

    public async Task<IReadOnlyList<Lease>> GetManyAsync(
        IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(leaseKeys);
        IReadOnlyList<Dictionary<string, AttributeValue>> rows = await _reader.GetItemsAsync(
            [.. leaseKeys.Distinct(StringComparer.Ordinal)], consistency == ReadConsistency.Strong, cancellationToken);
        return [.. rows.Select(AttributeValues.ToLease).OfType<Lease>()];
    }

    public Task<LeaseWrite.Result> CreateAsync(Lease lease, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(lease);
        cancellationToken.ThrowIfCancellationRequested();
        return _writer.CreateAsync(lease, cancellationToken);
    }

    public Task<LeaseWrite.Result> CreateWhileThereAsync(
        Lease lease, IReadOnlyList<string> whileThere, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(lease);
        ArgumentNullException.ThrowIfNull(whileThere);
        cancellationToken.ThrowIfCancellationRequested();
        return _writer.CreateAsync(lease, whileThere, cancellationToken);
    }

    public Task<IReadOnlyList<LeaseWrite.Result>> WriteAsync(IReadOnlyList<LeaseWrite> writes, CancellationToken cancellationToken)
    {
        LeaseWrite.ThrowIfInvalid(writes);
        cancellationToken.ThrowIfCancellationRequested();
        return _writer.WriteAsync(writes, cancellationToken);
    }

    public Task<LeaseWrite.Result> DeleteAsync(Lease observed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observed);
        cancellationToken.ThrowIfCancellationRequested();
        return _writer.DeleteAsync(observed, cancellationToken);
    }

    /// <summary>Does nothing: the connection is shared by all stores of the consumer.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
