using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;

namespace FastConsumer.DynamoDb;

/// <summary>Sees at start that the table of the positions is there, active, and one for positions.</summary>
internal sealed class PositionTableSetup(
    IAmazonDynamoDB client, DynamoDbPositionOptions options, PositionFaults faults, TimeProvider timeProvider)
{
    private static readonly TimeSpan s_firstPoll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_slowestPoll = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    /// <exception cref="DynamoDbPositionException">The table does not do, or must not be used.</exception>
    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        TableDescription? found = await DescribeAsync(cancellationToken);
        if (found is null)
        {
            if (!options.CreateTable)
            {
                throw faults.Missing(options.TableName);
            }

            await CreateAsync(cancellationToken);
        }

        CheckKeySchema(await WaitUntilActiveAsync(found, cancellationToken));
    }

    private async Task<TableDescription?> DescribeAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await client.DescribeTableAsync(new DescribeTableRequest { TableName = options.TableName }, cancellationToken)).Table;
        }
        catch (ResourceNotFoundException)
        {
            return null;
        }
        catch (Exception exception) when (IsFault(exception, cancellationToken))
        {
            throw faults.Explain(exception, "DescribeTable", []);
        }
    }

    private async Task CreateAsync(CancellationToken cancellationToken)
    {
        var request = new CreateTableRequest
        {
            TableName = options.TableName,
            KeySchema = [new KeySchemaElement(PositionRows.Stream, KeyType.HASH), new KeySchemaElement(PositionRows.Shard, KeyType.RANGE)],
            AttributeDefinitions =
            [
                new AttributeDefinition(PositionRows.Stream, ScalarAttributeType.S),
                new AttributeDefinition(PositionRows.Shard, ScalarAttributeType.S),
            ],
            BillingMode = BillingMode.PAY_PER_REQUEST,
        };
        try
        {
            await client.CreateTableAsync(request, cancellationToken);
        }
        catch (ResourceInUseException)
        {
            // another worker was first, or this call itself, its first answer lost; either way the table is on its way
        }
        catch (Exception exception) when (IsFault(exception, cancellationToken))
        {
            throw faults.Explain(exception, "CreateTable", []);
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
                throw faults.WrongStatus(status, isTransient: found.TableStatus == TableStatus.DELETING);
            }

            if (timeProvider.GetElapsedTime(started) > s_patience)
            {
                throw faults.NotActive(status, s_patience);
            }

            found = null;
            await Task.Delay(poll, timeProvider, cancellationToken);
        }
    }

    private void CheckKeySchema(TableDescription found)
    {
        string[] keys = [.. (found.KeySchema ?? []).Select(element => $"{element.AttributeName} ({element.KeyType}, {TypeOf(element)})")];
        if (keys is not [$"{PositionRows.Stream} (HASH, S)", $"{PositionRows.Shard} (RANGE, S)"])
        {
            throw faults.Unfit(keys.Length == 0 ? "unknown" : string.Join(", ", keys));
        }

        string TypeOf(KeySchemaElement element) =>
            found.AttributeDefinitions?.Find(definition => definition.AttributeName == element.AttributeName)?.AttributeType?.Value ?? "?";
    }

    private static bool IsFault(Exception exception, CancellationToken cancellationToken) =>
        PositionFaults.IsOfRequest(exception) && !DynamoDbFault.IsCancellation(exception, cancellationToken);
}
