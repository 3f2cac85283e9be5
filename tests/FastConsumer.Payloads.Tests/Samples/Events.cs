using System.Collections.Concurrent;
using CloudNative.CloudEvents;
using CloudNative.CloudEvents.SystemTextJson;
using FastConsumer;

[KinesisProcessor("events")]
public sealed partial class Events(ConcurrentQueue<CloudEvent> events)
{
    [OnRecord]
    public void Handle([Deserializer(typeof(CloudEventReader))] CloudEvent cloudEvent) => events.Enqueue(cloudEvent);
}

public sealed class CloudEventReader : IRecordDeserializer<CloudEvent>
{
    private static readonly JsonEventFormatter s_formatter = new();

    // the decoder copies what it keeps, so the event outlives the record
    public CloudEvent Deserialize(KinesisRecord record) =>
        s_formatter.DecodeStructuredModeMessage(record.Data, contentType: null, extensionAttributes: null);
}
