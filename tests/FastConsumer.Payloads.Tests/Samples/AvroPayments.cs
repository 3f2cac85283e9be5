using System.Collections.Concurrent;
using Avro;
using Avro.Generic;
using Avro.IO;
using FastConsumer;

[KinesisProcessor("payments")]
public sealed partial class AvroPayments(ConcurrentQueue<long> cents)
{
    [OnRecord]
    public void Handle([Deserializer(typeof(AvroPaymentReader))] GenericRecord payment) => cents.Enqueue((long)payment["cents"]);
}

public sealed class AvroPaymentReader : IRecordDeserializer<GenericRecord>
{
    public static Schema Schema { get; } = Schema.Parse(
        """{ "type": "record", "name": "Payment", "fields": [{ "name": "id", "type": "string" }, { "name": "cents", "type": "long" }] }""");

    public GenericRecord Deserialize(KinesisRecord record)
    {
        // a reader and a decoder have state, and shards call this in parallel: they are made for each record
        var reader = new GenericDatumReader<GenericRecord>(Schema, Schema);
        using var payload = new MemoryStream(record.Data.ToArray());
        return reader.Read(null!, new BinaryDecoder(payload));
    }
}
