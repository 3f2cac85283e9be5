using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>Reads leases, always consistently.</summary>
internal sealed class LeaseReader(LeaseTable table)
{
    public async Task<Lease?> GetAsync(string leaseKey, CancellationToken cancellationToken)
    {
        Dictionary<string, AttributeValue>? item = await GetItemAsync(leaseKey, cancellationToken);
        return LeaseItem.Read(item, table);
    }

    /// <summary>True where there is a row, be it a lease or not.</summary>
    public async Task<bool> ExistsAsync(string leaseKey, CancellationToken cancellationToken) =>
        await GetItemAsync(leaseKey, cancellationToken) is { Count: > 0 };

    public async Task<IReadOnlyList<Lease>> ListAsync(CancellationToken cancellationToken)
    {
        var leases = new List<Lease>();
        var request = new ScanRequest { TableName = table.Name, ConsistentRead = true };
        do
        {
            ScanResponse page;
            try
            {
                page = await table.Reads.ScanAsync(request, cancellationToken);
            }
            catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
            {
                throw DynamoDbFault.Translate(exception, "Scan", table);
            }

            foreach (Dictionary<string, AttributeValue> item in page.Items ?? [])
            {
                if (LeaseItem.Read(item, table) is { } lease)
                {
                    leases.Add(lease);
                }
            }

            request.ExclusiveStartKey = page.LastEvaluatedKey;
        }
        while (request.ExclusiveStartKey is { Count: > 0 });

        return leases;
    }

    private async Task<Dictionary<string, AttributeValue>?> GetItemAsync(string leaseKey, CancellationToken cancellationToken)
    {
        var request = new GetItemRequest { TableName = table.Name, Key = LeaseItem.Key(leaseKey), ConsistentRead = true };
        try
        {
            GetItemResponse response = await table.Reads.GetItemAsync(request, cancellationToken);
            return response.Item;
        }
        catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
        {
            throw DynamoDbFault.Translate(exception, "GetItem", table);
        }
    }
}
