namespace FastConsumer;

/// <summary>
/// Turns a record's bytes into a payload. Shards and lanes may call one instance in parallel; keep it free of mutable state.
/// </summary>
/// <typeparam name="T">The payload.</typeparam>
public interface IRecordDeserializer<out T>
{
    /// <summary>Reads the payload; the record is borrowed until the handler's call returns.</summary>
    T Deserialize(KinesisRecord record);
}
