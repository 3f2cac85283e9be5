using Acme;
using FastConsumer;

[KinesisProcessor("clicks")]
public sealed partial class ClickCounter : ProcessorBase
{
    private long _bytes;

    [OnRecord]
    private void Handle(ReadOnlySpan<byte> data) => _bytes += data.Length;
}
