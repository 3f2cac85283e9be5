namespace FastConsumer.State;

/// <summary>What is said where state is used at the wrong time.</summary>
internal static class StateErrors
{
    public static InvalidOperationException NotBound() => new("This state belongs to no record. Get it from the processor's property by "
        + "Of(context).");

    public static InvalidOperationException CallIsOver() => new("The handler's call is over, so its state cannot be read or changed any "
        + "more: the record is done or has failed, or its shard is handled elsewhere. Await what uses the state before the handler "
        + "returns or calls CheckpointAsync, and get it by Of(context) in each call.");

    public static InvalidOperationException HasFailed(int place) => new($"The record at {place} of the batch has failed, by Fail: it is "
        + "handled again, and what it changed now would be changed twice. Say Fail and change no state, or change state and do not say "
        + "Fail.");

    public static InvalidOperationException HasEffects(int place) => new($"The record at {place} of the batch has changed state in this "
        + "call, and cannot fail alone: it would be handled again, and what it changed would be changed twice. Say Fail before the state "
        + "is changed, or throw the exception: then nothing of the call is kept.");
}
