using System.Globalization;
using System.Numerics;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>A lease table's raw rows by lease key, read without any of FastConsumer's code.</summary>
internal static class LeaseRows
{
    public static AmazonDynamoDBClient Client(string serviceUrl) => new(
        new BasicAWSCredentials("test", "test"),
        new AmazonDynamoDBConfig { ServiceURL = serviceUrl, AuthenticationRegion = LocalAws.Region });

    /// <summary>The rows; none where there is no such table yet.</summary>
    public static async Task<IReadOnlyDictionary<string, Dictionary<string, AttributeValue>>> ReadAsync(
        IAmazonDynamoDB client, string table, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await client.ScanAsync(new ScanRequest { TableName = table, ConsistentRead = true }, cancellationToken);
            return (answer.Items ?? []).ToDictionary(row => row["leaseKey"].S);
        }
        catch (ResourceNotFoundException)
        {
            return new Dictionary<string, Dictionary<string, AttributeValue>>();
        }
    }

    public static string? Owner(this Dictionary<string, AttributeValue> row) => row.GetValueOrDefault("leaseOwner")?.S;

    public static string Checkpoint(this Dictionary<string, AttributeValue> row) => row["checkpoint"].S;

    public static long Counter(this Dictionary<string, AttributeValue> row) =>
        long.Parse(row["leaseCounter"].N, CultureInfo.InvariantCulture);

    /// <summary>The checkpoint as a number that compares: -1 before the first record, above all at the shard's end.</summary>
    public static BigInteger Position(this Dictionary<string, AttributeValue> row) => row.Checkpoint() switch
    {
        "TRIM_HORIZON" => BigInteger.MinusOne,
        "SHARD_END" => BigInteger.Pow(10, 200),
        var digits => BigInteger.Parse(digits, CultureInfo.InvariantCulture),
    };

    /// <summary>An attribute's type and value, such as <c>S us-east-1</c>; exactly one type, or this throws.</summary>
    public static string Typed(this AttributeValue value)
    {
        var typed = new List<string>();
        if (value.S is not null)
            typed.Add($"S {value.S}");
        if (value.N is not null)
            typed.Add($"N {value.N}");
        if (value.SS is { Count: > 0 })
            typed.Add($"SS {string.Join(',', value.SS.Order(StringComparer.Ordinal))}");
        if (value.BOOL is not null || value.NULL is not null || value.B is not null || value.M is { Count: > 0 }
            || value.L is { Count: > 0 }
            || value.NS is { Count: > 0 } || value.BS is { Count: > 0 })
        {
            typed.Add("a type that no lease row has");
        }

        return typed.Single();
    }
}
