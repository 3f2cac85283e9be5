namespace FastConsumer.Testing;

/// <summary>What an <see cref="EmbeddedKinesis"/> has found in its folder at the start.</summary>
/// <param name="Folder">The folder's full path.</param>
/// <param name="Records">The records that are there again.</param>
/// <param name="DroppedRecords">Those that were dropped: older than the retention, or of a stream that was deleted.</param>
/// <param name="CutBytes">The bytes of a last entry that was torn and is cut off; nothing in it was acknowledged.</param>
public sealed record EmbeddedKinesisData(string Folder, long Records, long DroppedRecords, long CutBytes);
