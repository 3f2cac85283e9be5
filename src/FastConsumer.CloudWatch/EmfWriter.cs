using System.Buffers;
using System.Text.Json;

namespace FastConsumer.CloudWatch;

/// <summary>
/// Writes metrics in CloudWatch's embedded metric format, one JSON object a line:
/// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html.
/// </summary>
/// <remarks>
/// The format allows 100 metrics an object, 100 values a metric, 30 dimensions and 1 MB. An object here has the metrics of one operation
/// (<see cref="KclMetric.All"/>), the values of a <see cref="Sample"/>, and two dimensions, which is some 10 KB at most.
/// </remarks>
internal static class EmfWriter
{
    private const string Operation = "Operation";
    private const string ShardId = "ShardId";

    // a thousandth of a millisecond; more would only make lines longer
    private const int Decimals = 3;

    /// <param name="output">What is written to; a line feed ends it.</param>
    /// <param name="line">The metrics.</param>
    /// <param name="logGroup">The log group that an agent shall write to; null for standard output.</param>
    /// <param name="time">The time of the metrics.</param>
    public static void Write(IBufferWriter<byte> output, EmfObject line, string? logGroup, DateTimeOffset time)
    {
        using (Utf8JsonWriter json = new(output))
        {
            json.WriteStartObject();
            WriteMetadata(json, line, logGroup, time);
            json.WriteString(Operation, line.Operation);
            if (line.ShardId is not null)
            {
                json.WriteString(ShardId, line.ShardId);
            }

            foreach ((KclMetric metric, double[] values) in line.Metrics)
            {
                WriteValues(json, metric.Name, values);
            }

            json.WriteEndObject();
        }

        output.Write("\n"u8);
    }

    private static void WriteMetadata(Utf8JsonWriter json, EmfObject line, string? logGroup, DateTimeOffset time)
    {
        json.WriteStartObject("_aws");
        json.WriteNumber("Timestamp", time.ToUnixTimeMilliseconds());
        if (logGroup is not null)
        {
            json.WriteString("LogGroupName", logGroup);
        }

        json.WriteStartArray("CloudWatchMetrics");
        json.WriteStartObject();
        json.WriteString("Namespace", line.Namespace);
        json.WriteStartArray("Dimensions");
        WriteDimensions(json, Operation);
        if (line.ShardId is not null)
        {
            WriteDimensions(json, Operation, ShardId);
        }

        json.WriteEndArray();
        json.WriteStartArray("Metrics");
        foreach ((KclMetric metric, _) in line.Metrics)
        {
            json.WriteStartObject();
            json.WriteString("Name", metric.Name);
            json.WriteString("Unit", metric.Unit);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteDimensions(Utf8JsonWriter json, params ReadOnlySpan<string> names)
    {
        json.WriteStartArray();
        foreach (string name in names)
        {
            json.WriteStringValue(name);
        }

        json.WriteEndArray();
    }

    private static void WriteValues(Utf8JsonWriter json, string name, double[] values)
    {
        if (values.Length == 1)
        {
            json.WriteNumber(name, Math.Round(values[0], Decimals));
            return;
        }

        json.WriteStartArray(name);
        foreach (double value in values)
        {
            json.WriteNumberValue(Math.Round(value, Decimals));
        }

        json.WriteEndArray();
    }
}
