namespace FastConsumer.Kinesis.Wire;

/// <summary>The two encodings of requests and answers.</summary>
internal enum WireFormat
{
    Cbor,
    Json,
}

/// <summary>The formats' media types.</summary>
internal static class WireFormats
{
    public const string CborMediaType = "application/x-amz-cbor-1.1";
    public const string JsonMediaType = "application/x-amz-json-1.1";

    public static string MediaType(this WireFormat format) => format == WireFormat.Cbor ? CborMediaType : JsonMediaType;

    /// <summary>
    /// The format of a body: servers answer errors in either format whatever was asked, and not all of them label it, so the
    /// first byte decides (a JSON object against a CBOR map) and the media type only where the body is empty or odd.
    /// </summary>
    public static WireFormat? Detect(string? mediaType, ReadOnlySpan<byte> body)
    {
        ReadOnlySpan<byte> trimmed = body.TrimStart(" \t\r\n"u8);
        if (!trimmed.IsEmpty)
        {
            byte first = trimmed[0];
            if (first == '{')
            {
                return WireFormat.Json;
            }

            if (first is >= 0xA0 and <= 0xBF)
            {
                return WireFormat.Cbor;
            }

            if (first == '<')
            {
                return null;
            }
        }

        if (mediaType is null)
        {
            return null;
        }

        return mediaType.Contains("cbor", StringComparison.OrdinalIgnoreCase) ? WireFormat.Cbor
            : mediaType.Contains("json", StringComparison.OrdinalIgnoreCase) ? WireFormat.Json
            : null;
    }
}
