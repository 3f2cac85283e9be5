using FastConsumer.Processors;

namespace FastConsumer.Checkpoints;

/// <summary>What a pump asks its shard, and tells it. All return at once.</summary>
/// <param name="RuleFor">The processor's rule for a value that a sink refuses; null for none.</param>
/// <param name="Failed">A try has failed: the error, how many in a row, and the wait until the next one.</param>
/// <param name="Written">A try has succeeded.</param>
/// <param name="LeftOut">A value of this output is left out, as the rule says.</param>
/// <param name="TryWithout">The others are tried without this value: where the sink takes them, it is left out.</param>
/// <param name="TryUnknown">The run ends in such a try, and what the sink made of it is not known.</param>
/// <param name="StopHost">The rule says to stop the host.</param>
internal sealed record OutputEvents(
    Func<RejectedOutputException, ErrorRule?> RuleFor,
    Action<OutputTarget, Exception, int, TimeSpan> Failed,
    Action<OutputTarget, int> Written,
    Action<OutputTarget, string, OutputPlace, RejectedOutputException> LeftOut,
    Action<OutputTarget, string, OutputPlace, RejectedOutputException> TryWithout,
    Action<OutputTarget, string, OutputPlace, Exception> TryUnknown,
    Action<OutputTarget, OutputPlace, RejectedOutputException> StopHost);
