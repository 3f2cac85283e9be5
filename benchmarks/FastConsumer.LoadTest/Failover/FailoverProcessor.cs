using System.Buffers.Binary;
using System.Globalization;

namespace FastConsumer.LoadTest.Failover;

/// <summary>Says what it handled, and when, on standard output: what was not said was not handled.</summary>
[KinesisProcessor(StreamName)]
internal sealed partial class FailoverProcessor(TimeProvider time)
{
    public const string StreamName = "failover";

    [OnRecord]
    public void Handle(ReadOnlySpan<byte> data, RecordContext context) =>
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{context.ShardId} {context.FencingToken} {BinaryPrimitives.ReadInt64LittleEndian(data)} {time.GetTimestamp()}"));
}
