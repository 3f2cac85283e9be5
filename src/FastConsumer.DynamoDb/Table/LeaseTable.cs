using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>A table at an endpoint: whom to ask, and how to name it in a message.</summary>
internal sealed class LeaseTable(DynamoDbConnection connection, string name)
{
    public string Name => name;

    public IAmazonDynamoDB Reads => connection.Reads;

    public IAmazonDynamoDB Writes => connection.Writes;

    /// <summary>Counts what is asked of it.</summary>
    public LeaseTableMeter Meter { get; } = new();

    public TimeSpan RequestTimeout => connection.RequestTimeout;

    /// <summary>The units of an answer that lists them by table; null where it does not.</summary>
    public static double? UnitsOf(List<ConsumedCapacity>? capacities) =>
        capacities is { Count: > 0 } ? capacities.Sum(static capacity => capacity.CapacityUnits ?? 0) : null;

    /// <summary>Another table at the same endpoint.</summary>
    public LeaseTable Beside(string otherName) => new(connection, otherName);

    public override string ToString() => $"DynamoDB table '{name}' at {connection.Endpoint}";
}
