namespace FastConsumer.State.Format;

/// <summary>The bytes of a snapshot are not what was written.</summary>
/// <param name="what">What is wrong, as a sentence without capital and full stop.</param>
internal sealed class SnapshotDamagedException(string what)
    : Exception($"The snapshot is damaged: {what}. Nothing of it is used.");
