using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;
using Microsoft.Extensions.Logging;

namespace FastConsumer.DynamoDb;

/// <summary>Sees at start that the table is there, active, and a lease table.</summary>
internal sealed class LeaseTableSetup(LeaseTable table, DynamoDbLeaseOptions options, TimeProvider timeProvider, ILogger logger)
{
    private static readonly TimeSpan s_firstPoll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_slowestPoll = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

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

    private async Task<TableDescription> WaitUntilActiveAsync(TableDescription? found, CancellationToken cancellationToken)
    {
        long started = timeProvider.GetTimestamp();
        for (TimeSpan poll = s_firstPoll; ; poll = poll * 2 < s_slowestPoll ? poll * 2 : s_slowestPoll)
        {
            // a table just created may not show yet
            found ??= await DescribeAsync(cancellationToken);
            string status = found?.TableStatus?.Value ?? "not visible yet";
            if (found is not null && (found.TableStatus == TableStatus.ACTIVE || found.TableStatus == TableStatus.UPDATING))
            {
                return found;
            }

            if (found is not null && found.TableStatus != TableStatus.CREATING)
            {
                throw new LeaseStoreException(
                    $"The {table} is {status}, where ACTIVE is expected.", isTransient: found.TableStatus == TableStatus.DELETING);
            }

            if (timeProvider.GetElapsedTime(started) > s_patience)
            {
                throw new LeaseStoreException($"The {table} is still {status} after {s_patience.TotalMinutes} minutes.", isTransient: true);
            }

            found = null;
            await Task.Delay(poll, timeProvider, cancellationToken);
        }
    }

    private void CheckKeySchema(TableDescription found)
    {
        List<KeySchemaElement> keys = found.KeySchema ?? [];
        if (keys is [{ AttributeName: Lease.Names.LeaseKey } key] && key.KeyType == KeyType.HASH && TypeOf(key) == "S")
        {
            return;
        }

        string actual = string.Join(", ", keys.Select(element => $"{element.AttributeName} ({element.KeyType}, {TypeOf(element)})"));
        throw new LeaseStoreException(
            $"The {table} is not a lease table: its key is {actual}, and {Lease.Names.LeaseKey} (HASH, S) alone is expected. "
            + "Choose another application name, or set DynamoDbLeaseOptions.TableName.",
            isTransient: false);

        string TypeOf(KeySchemaElement element) =>
            found.AttributeDefinitions?.Find(definition => definition.AttributeName == element.AttributeName)?.AttributeType?.Value ?? "?";
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
            catch (ContinuousBackupsUnavailableException) when (timeProvider.GetElapsedTime(started) < s_patience)
            {
                // so DynamoDB answers for a while after it has created a table
                await Task.Delay(s_slowestPoll, timeProvider, cancellationToken);
            }
            catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
            {
                throw DynamoDbFault.Translate(exception, action, table);
            }
        }
    }
}
