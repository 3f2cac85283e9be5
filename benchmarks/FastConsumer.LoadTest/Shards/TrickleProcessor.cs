namespace FastConsumer.LoadTest.Shards;

/// <summary>A handler that does next to nothing.</summary>
[KinesisProcessor(StreamName)]
internal sealed partial class TrickleProcessor(TrickleTally tally)
{
    public const string StreamName = "trickle";

    [OnRecord]
    public void Handle(ReadOnlySpan<byte> data) => tally.Handled();
}
