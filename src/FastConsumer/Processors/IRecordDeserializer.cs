namespace FastConsumer;

/// <summary>Turns a record's bytes into a payload. Called from one shard at a time per instance of the processor; keep it free of mutable state.</summary>
/// <typeparam name="T">The payload.</typeparam>
public interface IRecordDeserializer<out T>
{
    /// <summary>Reads the payload; the record is borrowed until the handler's call returns.</summary>
    T Deserialize(KinesisRecord record);
}
