using System.Text;

namespace FastConsumer.Tests.Hosting.OneState;

/// <summary>The same processor, after one of its two states was taken out of its code.</summary>
[KinesisProcessor("events")]
internal sealed partial class CountingProcessor
{
    [State("texts")]
    [StateSerializer(typeof(NumberSerializer))]
    private partial KeyedMap<string, int> Texts { get; }

    [OnRecord]
    private void Handle(KinesisRecord record, RecordContext context) =>
        Texts.Of(context).Edit(Encoding.UTF8.GetString(record.DataSpan))++;
}
