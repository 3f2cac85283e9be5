using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FastConsumer.Testing;

namespace FastConsumer.Cli.Emulator;

/// <summary>What a running emulator says of itself: where it is, how an AWS SDK gets there, and what it is not.</summary>
internal sealed class EmulatorReport(EmbeddedKinesis kinesis, EmulatorSettings settings, IEnumerable<string> named)
{
    private readonly (string Name, int Shards)[] _streams = [.. named.Union(kinesis.ListStreams())
        .Select(name => (name, kinesis.ListShards(name).Count(static shard => shard.EndingSequenceNumber is null)))];

    public string Text()
    {
        IPAddress bind = settings.Bind;
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"Kinesis listens on {kinesis.ServiceUrl}; Ctrl+C ends it.");
        if (bind.Equals(IPAddress.Any) || bind.Equals(IPAddress.IPv6Any))
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"It is bound to {bind}, every address of this machine: whoever reaches one of them may do everything.");
        }

        if (kinesis.Data is { } data)
        {
            text.AppendLine(
                CultureInfo.InvariantCulture, $"Data is kept in {data.Folder}, which had {data.Records} records{Losses(data)}.");
        }

        if (_streams.Length > 0)
        {
            text.AppendLine().AppendLine("Streams:");
            foreach ((string name, int shards) in _streams)
            {
                text.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"  {kinesis.StreamArn(name)}  {shards} {(shards == 1 ? "shard" : "shards")}");
            }
        }

        text.AppendLine().AppendLine("For the programs that use it:");
        foreach ((string variable, string value) in Environment())
        {
            text.AppendLine(Variable(variable, value));
        }

        text.AppendLine().AppendLine("A consumer needs a place for its leases, which Kinesis is not. Keep them in the consumer's memory");
        text.AppendLine("(UseInMemoryLeases() of FastConsumer.Testing), or on a local DynamoDB, for example on port 8000:");
        text.AppendLine(Variable("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:8000"));
        text.AppendLine("Without one of them, UseDynamoDb() goes to DynamoDB on AWS.");
        return text.ToString();
    }

    public string Json()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("endpoint", kinesis.ServiceUrl);
            json.WriteNumber("processId", System.Environment.ProcessId);
            json.WriteString("bind", settings.Bind.ToString());
            json.WriteString("region", kinesis.Region);
            json.WriteString("accountId", kinesis.AccountId);
            if (kinesis.Data is { } data)
            {
                json.WriteStartObject("data");
                json.WriteString("folder", data.Folder);
                json.WriteNumber("records", data.Records);
                json.WriteNumber("droppedRecords", data.DroppedRecords);
                json.WriteNumber("cutBytes", data.CutBytes);
                json.WriteEndObject();
            }

            json.WriteStartArray("streams");
            foreach ((string name, int shards) in _streams)
            {
                json.WriteStartObject();
                json.WriteString("name", name);
                json.WriteNumber("shards", shards);
                json.WriteString("arn", kinesis.StreamArn(name));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("environment");
            foreach ((string variable, string value) in Environment())
            {
                json.WriteString(variable, value);
            }

            json.WriteEndObject();
            json.WriteString("leases", "none: keep them in memory, or set AWS_ENDPOINT_URL_DYNAMODB to a local DynamoDB");
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static string Losses(EmbeddedKinesisData data)
    {
        string dropped = data.DroppedRecords == 0
            ? ""
            : string.Create(
                CultureInfo.InvariantCulture, $"; {data.DroppedRecords} older than the retention, or of deleted streams, were dropped");
        return data.CutBytes == 0
            ? dropped
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{dropped}; the last entry was torn, and its {data.CutBytes} bytes, not acknowledged, were cut off");
    }

    private static string Variable(string name, string value) =>
        OperatingSystem.IsWindows() ? $"  $env:{name} = \"{value}\"" : $"  export {name}={value}";

    /// <summary>Where the certificate is, so that the lines can be pasted.</summary>
    private IEnumerable<(string Name, string Value)> Trust() => settings.Tls.ExportPath is { } path
        ? [("AWS_CA_BUNDLE", Path.GetFullPath(path)), ("NODE_EXTRA_CA_CERTS", Path.GetFullPath(path))]
        : [];

    /// <summary>Signatures are not checked: any credentials do, but an SDK needs some.</summary>
    private IEnumerable<(string Name, string Value)> Environment() =>
    [
        ("AWS_ENDPOINT_URL_KINESIS", kinesis.ServiceUrl),
        ("AWS_REGION", kinesis.Region),
        ("AWS_ACCESS_KEY_ID", "local"),
        .. Trust(),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ];
}
