using System.Text.RegularExpressions;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>What may name a stream, by the service model of 2013-12-02: its name or its ARN.</summary>
internal static class StreamName
{
    private static readonly Regex s_name = new(@"\A[a-zA-Z0-9_.-]{1,128}\z", RegexOptions.CultureInvariant);

    private static readonly Regex s_arn = new(
        @"\Aarn:aws[a-z-]*:kinesis:[a-z0-9-]+:[0-9]{12}:stream/[a-zA-Z0-9_.-]{1,128}\z",
        RegexOptions.CultureInvariant);

    public static bool IsValid(string? text) => text is not null && (s_name.IsMatch(text) || s_arn.IsMatch(text));
}
