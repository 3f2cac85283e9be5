using System.Runtime.CompilerServices;
using FastConsumer.Processors;
using FastConsumer.State;

namespace FastConsumer;

/// <summary>One of a shard's states, for handlers of the attempt that runs.</summary>
internal readonly struct StateAccess<TSub, T>(ProcessorState owner, int number)
    where TSub : notnull
{
    public StateCall<TSub, T> Of(in RecordContext context) => Of(owner.StripeOf(context), 0);

    public StateCall<TSub, T> Of(BatchContext context, int index) => Of(owner.StripeOf(context, index), index);

    private StateCall<TSub, T> Of(StateStripe stripe, int place) =>
        new(Unsafe.As<StateTable<TSub, T>>(stripe.Tables[number]), stripe.Attempt, place);
}

/// <summary>A table, for one record of one attempt.</summary>
internal readonly struct StateCall<TSub, T>(StateTable<TSub, T> table, long attempt, int place)
    where TSub : notnull
{
    public StateTable<TSub, T> Table => (table ?? throw StateErrors.NotBound()).Open(attempt, place);
}
