using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis.Wire.Fuzzing;

/// <summary>An answer that a server has sent; see Recorded/README.md.</summary>
internal sealed record RecordedAnswer(string Name, WireFormat Format, byte[] Bytes)
{
    public static IReadOnlyList<RecordedAnswer> All { get; } =
    [
        .. Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Kinesis/Wire/Recorded"))
            .Where(static file => Path.GetExtension(file) is ".json" or ".cbor")
            .Order(StringComparer.Ordinal)
            .Select(static file => new RecordedAnswer(
                Path.GetFileName(file),
                Path.GetExtension(file) == ".cbor" ? WireFormat.Cbor : WireFormat.Json,
                File.ReadAllBytes(file))),
    ];

    public static RecordedAnswer Named(string name) => All.Single(answer => answer.Name == name);
}
