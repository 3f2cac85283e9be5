using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace FastConsumer.Dispatch;

/// <summary>The trace context in a property of a JSON payload: a W3C <c>traceparent</c> (https://www.w3.org/TR/trace-context/).</summary>
internal sealed class JsonTraceContext(string property) : ITraceContextExtractor
{
    private const int TraceParentLength = 55;

    private readonly byte[] _property = Encoding.UTF8.GetBytes(property);

    /// <inheritdoc/>
    public bool TryExtract(KinesisRecord record, out ActivityContext context)
    {
        context = default;
        Utf8JsonReader reader = new(record.DataSpan);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isIt = reader.ValueTextEquals(_property);
            reader.Read();
            if (isIt)
            {
                return reader.TokenType == JsonTokenType.String
                    && reader.ValueSpan.Length == TraceParentLength
                    && ActivityContext.TryParse(reader.GetString(), traceState: null, isRemote: true, out context);
            }

            reader.Skip();
        }

        return false;
    }
}
