using FastConsumer;

namespace Operations;

/// <summary>Where dead letters go: here they are only shown.</summary>
internal sealed class LetterBox(View view) : IDeadLetterSink
{
    public ValueTask WriteAsync(DeadLetter letter, CancellationToken cancellationToken)
    {
        view.Say(
            $"dead letter: {letter.Record.Data.Length} bytes of {letter.Shard.ShardId}, left out by {letter.DecidedBy}: {letter.Reason}");
        return ValueTask.CompletedTask;
    }
}
