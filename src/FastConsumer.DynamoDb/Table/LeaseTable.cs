using Amazon.DynamoDBv2;

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

    /// <summary>Another table at the same endpoint.</summary>
    public LeaseTable Beside(string otherName) => new(connection, otherName);

    public override string ToString() => $"DynamoDB table '{name}' at {connection.Endpoint}";
}
