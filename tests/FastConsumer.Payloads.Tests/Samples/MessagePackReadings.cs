using System.Collections.Concurrent;
using FastConsumer;
using Nerdbank.MessagePack;
using PolyType;

[KinesisProcessor("readings")]
public sealed partial class MessagePackReadings(ConcurrentQueue<Measurement> readings)
{
    [OnRecord]
    public void Handle([Deserializer(typeof(MessagePackReader<Measurement>))] Measurement reading) => readings.Enqueue(reading);
}

public sealed class MessagePackReader<T> : IRecordDeserializer<T>
    where T : IShapeable<T>
{
    private static readonly MessagePackSerializer s_serializer = new();

    public T Deserialize(KinesisRecord record) =>
        s_serializer.Deserialize<T>(record.Data) ?? throw new InvalidDataException("The payload is nil.");
}

[GenerateShape]
public sealed partial record Measurement(string Sensor, double Value);
