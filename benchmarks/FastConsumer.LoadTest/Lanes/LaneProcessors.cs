namespace FastConsumer.LoadTest.Lanes;

/// <summary>A handler that waits for something else, one record at a time.</summary>
[KinesisProcessor("one-lane")]
[OnError(typeof(FormatException), ErrorAction.Stop)]
[OnError(typeof(OverflowException), ErrorAction.Stop)]
internal sealed partial class OneLaneProcessor(LaneTally tally)
{
    [OnRecord]
    public ValueTask HandleAsync(KinesisRecord record, CancellationToken cancellationToken) => tally.HandleAsync(record, cancellationToken);
}

/// <summary>The same handler in 16 lanes.</summary>
[KinesisProcessor("lanes")]
[OnError(typeof(FormatException), ErrorAction.Stop)]
[OnError(typeof(OverflowException), ErrorAction.Stop)]
[Concurrency(Lanes)]
internal sealed partial class LanesProcessor(LaneTally tally)
{
    public const int Lanes = 16;

    [OnRecord]
    public ValueTask HandleAsync(KinesisRecord record, CancellationToken cancellationToken) => tally.HandleAsync(record, cancellationToken);
}
