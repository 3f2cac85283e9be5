using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;

namespace FastConsumer.DynamoDb;

/// <summary>Sees at start that the table of the positions is there, active, and one for positions.</summary>
internal sealed class PositionTableSetup(
    IAmazonDynamoDB client, DynamoDbPositionOptions options, PositionFaults faults, TimeProvider timeProvider)
{
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
        catch (Exception exception) when (PositionFaults.IsFault(exception, cancellationToken))
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
        catch (Exception exception) when (PositionFaults.IsFault(exception, cancellationToken))
        {
            throw faults.Explain(exception, "CreateTable", []);
        }
    }

    private Task<TableDescription> WaitUntilActiveAsync(TableDescription? found, CancellationToken cancellationToken) =>
        TableStart.WaitUntilActiveAsync(
            found, DescribeAsync, faults.WrongStatus, faults.NotActive, timeProvider, cancellationToken);

    private void CheckKeySchema(TableDescription found)
    {
        IReadOnlyList<string> key = TableStart.KeyOf(found);
        if (key is not [$"{PositionRows.Stream} (HASH, S)", $"{PositionRows.Shard} (RANGE, S)"])
        {
            throw faults.Unfit(key.Count == 0 ? "unknown" : string.Join(", ", key));
        }
    }
}
