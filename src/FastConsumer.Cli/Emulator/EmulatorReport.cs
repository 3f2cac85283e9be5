using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FastConsumer.Testing;

namespace FastConsumer.Cli.Emulator;

/// <summary>What a running emulator says of itself: where it is, how an AWS SDK gets there, and what it is not.</summary>
internal static class EmulatorReport
{
    public static string Text(EmbeddedKinesis kinesis, IReadOnlyList<StreamToCreate> streams)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"Kinesis listens on {kinesis.ServiceUrl}; Ctrl+C ends it.");
        if (streams.Count > 0)
        {
            text.AppendLine().AppendLine("Streams:");
            foreach (StreamToCreate stream in streams)
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"  {kinesis.StreamArn(stream.Name)}  {stream.ShardCount} {(stream.ShardCount == 1 ? "shard" : "shards")}");
            }
        }

        text.AppendLine().AppendLine("For the programs that use it:");
        foreach ((string name, string value) in Environment(kinesis))
        {
            text.AppendLine(Variable(name, value));
        }

        text.AppendLine().AppendLine("A consumer needs a place for its leases, which Kinesis is not. Either keep them in the consumer's memory");
        text.AppendLine("(UseInMemoryLeases() of FastConsumer.Testing), or on a local DynamoDB, for example on port 8000:");
        text.AppendLine(Variable("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:8000"));
        text.AppendLine("Without one of them, UseDynamoDb() goes to DynamoDB on AWS.");
        return text.ToString();
    }

    public static string Json(EmbeddedKinesis kinesis, IReadOnlyList<StreamToCreate> streams)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("endpoint", kinesis.ServiceUrl);
            json.WriteString("region", kinesis.Region);
            json.WriteString("accountId", kinesis.AccountId);
            json.WriteStartArray("streams");
            foreach (StreamToCreate stream in streams)
            {
                json.WriteStartObject();
                json.WriteString("name", stream.Name);
                json.WriteNumber("shards", stream.ShardCount);
                json.WriteString("arn", kinesis.StreamArn(stream.Name));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("environment");
            foreach ((string name, string value) in Environment(kinesis))
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
            json.WriteString("leases", "none: keep them in memory, or set AWS_ENDPOINT_URL_DYNAMODB to a local DynamoDB");
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static string Variable(string name, string value) =>
        OperatingSystem.IsWindows() ? $"  $env:{name} = \"{value}\"" : $"  export {name}={value}";

    /// <summary>Signatures are not checked: any credentials do, but an SDK needs some.</summary>
    private static IEnumerable<(string Name, string Value)> Environment(EmbeddedKinesis kinesis) =>
    [
        ("AWS_ENDPOINT_URL_KINESIS", kinesis.ServiceUrl),
        ("AWS_REGION", kinesis.Region),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ];
}
