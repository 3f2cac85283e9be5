using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb.Tests;

/// <summary>Leases as items.</summary>
internal static class Rows
{
    public static Dictionary<string, AttributeValue> Of(Lease lease) => AttributeValues.ToItem(lease.ToAttributes());
}
