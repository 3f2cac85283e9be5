using Google.Protobuf;

namespace FastConsumer.OpenTelemetry.Tests.Otlp;

/// <summary>
/// Reads an OTLP request for metrics, field by field, so that what is tested is what is on the wire and not what an exporter's own types
/// say of it. Numbers of fields: https://github.com/open-telemetry/opentelemetry-proto, metrics/v1/metrics.proto.
/// </summary>
internal static class OtlpMetricReader
{
    public static IReadOnlyList<ExportedMetric> Read(byte[] request)
    {
        List<ExportedMetric> metrics = [];
        Each(request, (field, input) =>
        {
            if (field != 1)
            {
                return false;
            }

            ReadResource(input.ReadBytes(), metrics);
            return true;
        });
        return metrics;
    }

    private static void ReadResource(ByteString resource, List<ExportedMetric> metrics) => Each(resource, (field, input) =>
    {
        if (field != 2)
        {
            return false;
        }

        ReadScope(input.ReadBytes(), metrics);
        return true;
    });

    private static void ReadScope(ByteString scope, List<ExportedMetric> metrics)
    {
        string meter = "";
        List<ByteString> bodies = [];
        Each(scope, (field, input) =>
        {
            switch (field)
            {
                case 1:
                    Each(input.ReadBytes(), (part, inner) => part == 1 && Set(out meter, inner.ReadString()));
                    return true;
                case 2:
                    bodies.Add(input.ReadBytes());
                    return true;
                default:
                    return false;
            }
        });
        metrics.AddRange(bodies.Select(body => ReadMetric(meter, body)));
    }

    private static ExportedMetric ReadMetric(string meter, ByteString body)
    {
        string name = "";
        string description = "";
        string unit = "";
        ExportedKind? kind = null;
        List<ExportedPoint> points = [];
        Each(body, (field, input) =>
        {
            switch (field)
            {
                case 1:
                    return Set(out name, input.ReadString());
                case 2:
                    return Set(out description, input.ReadString());
                case 3:
                    return Set(out unit, input.ReadString());
                case 5:
                    ReadPoints(input.ReadBytes(), points, out _);
                    return Set(out kind, ExportedKind.Gauge);
                case 7:
                    ReadPoints(input.ReadBytes(), points, out bool isMonotonic);
                    return Set(out kind, isMonotonic ? ExportedKind.MonotonicSum : ExportedKind.NonMonotonicSum);
                case 9:
                    ReadHistogram(input.ReadBytes(), points);
                    return Set(out kind, ExportedKind.Histogram);
                default:
                    return false;
            }
        });
        return new ExportedMetric(
            meter, name, description, unit, kind ?? throw new FormatException($"{name} is of a kind that is not known here."), points);
    }

    private static void ReadPoints(ByteString body, List<ExportedPoint> points, out bool isMonotonic)
    {
        bool monotonic = false;
        Each(body, (field, input) =>
        {
            switch (field)
            {
                case 1:
                    points.Add(ReadNumber(input.ReadBytes()));
                    return true;
                case 3:
                    return Set(out monotonic, input.ReadBool());
                default:
                    return false;
            }
        });
        isMonotonic = monotonic;
    }

    private static ExportedPoint ReadNumber(ByteString body)
    {
        Dictionary<string, string> tags = [];
        double value = 0;
        Each(body, (field, input) => field switch
        {
            4 => Set(out value, input.ReadDouble()),
            6 => Set(out value, input.ReadSFixed64()),
            7 => ReadTag(input.ReadBytes(), tags),
            _ => false,
        });
        return new ExportedPoint(tags, value, []);
    }

    private static void ReadHistogram(ByteString body, List<ExportedPoint> points) => Each(body, (field, input) =>
    {
        if (field != 1)
        {
            return false;
        }

        Dictionary<string, string> tags = [];
        double count = 0;
        List<double> boundaries = [];
        Each(input.ReadBytes(), (part, inner) =>
        {
            switch (part)
            {
                case 4:
                    return Set(out count, inner.ReadFixed64());
                case 7:
                    ReadDoubles(inner.ReadBytes(), boundaries);
                    return true;
                case 9:
                    return ReadTag(inner.ReadBytes(), tags);
                default:
                    return false;
            }
        });
        points.Add(new ExportedPoint(tags, count, boundaries));
        return true;
    });

    private static void ReadDoubles(ByteString packed, List<double> values)
    {
        CodedInputStream input = packed.CreateCodedInput();
        while (!input.IsAtEnd)
        {
            values.Add(input.ReadDouble());
        }
    }

    private static bool ReadTag(ByteString body, Dictionary<string, string> tags)
    {
        string key = "";
        string? value = null;
        Each(body, (field, input) => field switch
        {
            1 => Set(out key, input.ReadString()),
            2 => ReadText(input.ReadBytes(), out value),
            _ => false,
        });
        tags.Add(key, value ?? throw new FormatException($"The value of {key} is not a string."));
        return true;
    }

    private static bool ReadText(ByteString body, out string? value)
    {
        string? text = null;
        Each(body, (field, input) => field == 1 && Set(out text, input.ReadString()));
        return Set(out value, text);
    }

    private static bool Set<T>(out T field, T value)
    {
        field = value;
        return true;
    }

    private static void Each(byte[] message, Func<int, CodedInputStream, bool> read) => Each(new CodedInputStream(message), read);

    private static void Each(ByteString message, Func<int, CodedInputStream, bool> read) => Each(message.CreateCodedInput(), read);

    /// <summary>
    /// Gives each field of a message to <paramref name="read"/>, and passes over those of which it says that it took nothing.
    /// </summary>
    private static void Each(CodedInputStream input, Func<int, CodedInputStream, bool> read)
    {
        uint tag;
        while ((tag = input.ReadTag()) != 0)
        {
            if (!read(WireFormat.GetTagFieldNumber(tag), input))
            {
                input.SkipLastField();
            }
        }
    }
}
