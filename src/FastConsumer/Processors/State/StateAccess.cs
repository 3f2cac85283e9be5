using FastConsumer.Processors;
using FastConsumer.State;

namespace FastConsumer;

/// <summary>A table, for handlers of the attempt that runs.</summary>
internal readonly struct StateAccess<TSub, T>(ProcessorState owner, StateTable<TSub, T> table)
    where TSub : notnull
{
    public long AttemptOf(in RecordContext context) => owner.AttemptOf(context);

    public StateTable<TSub, T> Open(long attempt)
    {
        owner.ThrowIfOver(attempt);
        return table;
    }
}

/// <summary>What is said where state is used at the wrong time.</summary>
internal static class StateErrors
{
    public static InvalidOperationException NotBound() => new("This state belongs to no record. Get it from the processor's property by "
        + "Of(context).");

    public static InvalidOperationException CallIsOver() => new("The handler's call is over, so its state cannot be read or changed any "
        + "more: the record is done or has failed, or its shard is handled elsewhere. Await what uses the state before the handler "
        + "returns, and get it by Of(context) in each call.");
}
