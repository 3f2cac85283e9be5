using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Kinesis;

/// <summary>The name and the words of an error, as the service's answer carries them; either may be missing.</summary>
internal readonly record struct ServiceError(string? Code, string? Message)
{
    private const int LongestMessage = 600;

    /// <summary>An error from its parts.</summary>
    public static ServiceError Create(string? code, string? message) =>
        new(Shorten(code), string.IsNullOrEmpty(message) ? null : Clean(message));

    /// <summary>Code and message as a sentence; one of them must be there.</summary>
    public string Describe()
    {
        string text = (Code, Message) switch
        {
            (null, { } message) => message,
            ({ } code, null) => $"{code}.",
            var (code, message) => $"{code}: {message}",
        };
        return text.EndsWith('.') ? text : text + ".";
    }

    /// <summary>Reads an error from its body (CBOR or JSON, whatever was asked) and from <c>x-amzn-ErrorType</c>.</summary>
    public static ServiceError Read(string? mediaType, string? errorTypeHeader, Span<byte> body)
    {
        string? code = null;
        string? message = null;
        try
        {
            if (WireFormats.Detect(mediaType, body) is { } format)
            {
                WireValue answer = WireValue.Decode(format, body);
                code = answer["__type"].AsText() ?? answer["code"].AsText();
                message = answer["message"].AsText() ?? answer["Message"].AsText();
            }
        }
        catch (WireFormatException)
        {
            // a proxy's page, or half an answer: the status has to do
        }

        return new ServiceError(Shorten(code) ?? Shorten(errorTypeHeader), message is null ? null : Clean(message));
    }

    /// <summary><c>com.amazonaws.kinesis#Name:http://...</c> is Name.</summary>
    private static string? Shorten(string? code)
    {
        if (string.IsNullOrWhiteSpace(code))
        {
            return null;
        }

        int colon = code.IndexOf(':', StringComparison.Ordinal);
        if (colon >= 0)
        {
            code = code[..colon];
        }

        return code[(code.LastIndexOf('#') + 1)..].Trim();
    }

    /// <summary>Signature errors quote the signed request, with its session token: such text must not reach a log.</summary>
    private static string Clean(string message)
    {
        foreach (string quote in (ReadOnlySpan<string>)["The Canonical String", "The String-to-Sign", "Authorization="])
        {
            int start = message.IndexOf(quote, StringComparison.Ordinal);
            if (start >= 0)
            {
                message = message[..start];
            }
        }

        message = message.ReplaceLineEndings(" ").Trim();
        return message.Length <= LongestMessage ? message : message[..LongestMessage] + "...";
    }
}
