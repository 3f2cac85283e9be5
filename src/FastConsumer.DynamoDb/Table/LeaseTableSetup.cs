using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;
using Microsoft.Extensions.Logging;

namespace FastConsumer.DynamoDb;

/// <summary>Sees at start that the table is there, active, and a lease table.</summary>
internal sealed class LeaseTableSetup(LeaseTable table, DynamoDbLeaseOptions options, TimeProvider timeProvider, ILogger logger)
{
    /// <returns>The table as it is now.</returns>
    public async Task<TableDescription> PrepareAsync(CancellationToken cancellationToken)
    {
        TableDescription? found = await DescribeAsync(cancellationToken);
        if (found is null)
        {
            if (options.TableMode == LeaseTableMode.Require)
            {
                throw new LeaseStoreException(
                    $"The {table} does not exist, and DynamoDbLeaseOptions.TableMode is Require. Create it with the partition key "
                    + $"{Lease.Names.LeaseKey} (S), check region and account, or set TableMode to Create.",
                    isTransient: false);
            }

            await CreateAsync(cancellationToken);
        }

        found = await WaitUntilActiveAsync(found, cancellationToken);
        CheckKeySchema(found);
        if (options is { PointInTimeRecovery: true, TableMode: LeaseTableMode.Create })
        {
            await EnablePointInTimeRecoveryAsync(cancellationToken);
        }

        return found;
    }

    /// <summary>What is provisioned, or the limit that an on-demand table was given.</summary>
    public async Task<LeaseTableLimits> DescribeThroughputAsync(CancellationToken cancellationToken)
    {
        TableDescription found = await DescribeAsync(cancellationToken)
            ?? throw new LeaseStoreException($"The {table} does not exist, so it has no throughput.", isTransient: false);
        bool onDemand = found.BillingModeSummary?.BillingMode == BillingMode.PAY_PER_REQUEST;
        return onDemand
            ? new LeaseTableLimits(
                Limit(found.OnDemandThroughput?.MaxWriteRequestUnits), Limit(found.OnDemandThroughput?.MaxReadRequestUnits))
            : new LeaseTableLimits(
                Limit(found.ProvisionedThroughput?.WriteCapacityUnits), Limit(found.ProvisionedThroughput?.ReadCapacityUnits));

        // 0 and -1 stand for none
        static double? Limit(long? units) => units > 0 ? units : null;
    }

    private async Task<TableDescription?> DescribeAsync(CancellationToken cancellationToken)
    {
        try
        {
            DescribeTableResponse response =
                await table.Reads.DescribeTableAsync(new DescribeTableRequest { TableName = table.Name }, cancellationToken);
            return response.Table;
        }
        catch (ResourceNotFoundException)
        {
            return null;
        }
        catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
        {
            throw DynamoDbFault.Translate(exception, "DescribeTable", table);
        }
    }

    private async Task CreateAsync(CancellationToken cancellationToken)
    {
        var request = new CreateTableRequest
        {
            TableName = table.Name,
            KeySchema = [new KeySchemaElement(Lease.Names.LeaseKey, KeyType.HASH)],
            AttributeDefinitions = [new AttributeDefinition(Lease.Names.LeaseKey, ScalarAttributeType.S)],
            BillingMode = BillingMode.PAY_PER_REQUEST,
            DeletionProtectionEnabled = options.DeletionProtection ? true : null,
            Tags = options.Tags.Count == 0 ? null : [.. options.Tags.Select(static tag => new Tag { Key = tag.Key, Value = tag.Value })],
        };
        try
        {
            await table.Reads.CreateTableAsync(request, cancellationToken);
            LeaseStoreLog.TableCreated(logger, table.Name);
        }
        catch (ResourceInUseException)
        {
            // another worker was first, or this call itself, its first answer lost; either way the table is on its way
            LeaseStoreLog.TableCreatedElsewhere(logger, table.Name);
        }
        catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
        {
            throw DynamoDbFault.Translate(exception, "CreateTable", table);
        }
    }

    private Task<TableDescription> WaitUntilActiveAsync(TableDescription? found, CancellationToken cancellationToken) =>
        TableStart.WaitUntilActiveAsync(
            found,
            DescribeAsync,
            (status, isDeleting) => new LeaseStoreException(
                $"The {table} is {status}, where ACTIVE is expected.", isTransient: isDeleting),
            (status, waited) => new LeaseStoreException(
                $"The {table} is still {status} after {waited.TotalMinutes} minutes.", isTransient: true),
            timeProvider,
            cancellationToken);

    private void CheckKeySchema(TableDescription found)
    {
        IReadOnlyList<string> key = TableStart.KeyOf(found);
        if (key is not [$"{Lease.Names.LeaseKey} (HASH, S)"])
        {
            throw new LeaseStoreException(
                $"The {table} is not a lease table: its key is {string.Join(", ", key)}, and {Lease.Names.LeaseKey} (HASH, S) alone is "
                + "expected. Choose another application name, or set DynamoDbLeaseOptions.TableName.",
                isTransient: false);
        }
    }

    private async Task EnablePointInTimeRecoveryAsync(CancellationToken cancellationToken)
    {
        string action = "DescribeContinuousBackups";
        long started = timeProvider.GetTimestamp();
        while (true)
        {
            try
            {
                DescribeContinuousBackupsResponse backups = await table.Reads.DescribeContinuousBackupsAsync(
                    new DescribeContinuousBackupsRequest { TableName = table.Name }, cancellationToken);
                PointInTimeRecoveryStatus? status =
                    backups.ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus;
                if (status == PointInTimeRecoveryStatus.ENABLED)
                {
                    return;
                }

                action = "UpdateContinuousBackups";
                await table.Reads.UpdateContinuousBackupsAsync(
                    new UpdateContinuousBackupsRequest
                    {
                        TableName = table.Name,
                        PointInTimeRecoverySpecification = new PointInTimeRecoverySpecification { PointInTimeRecoveryEnabled = true },
                    },
                    cancellationToken);
                return;
            }
            catch (ContinuousBackupsUnavailableException) when (timeProvider.GetElapsedTime(started) < TableStart.Patience)
            {
                // so DynamoDB answers for a while after it has created a table
                await Task.Delay(TableStart.SlowestPoll, timeProvider, cancellationToken);
            }
            catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
            {
                throw DynamoDbFault.Translate(exception, action, table);
            }
        }
    }
}
