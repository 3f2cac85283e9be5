namespace FastConsumer;

/// <summary>
/// A sink will never take a value, however often it is written: the value breaks a rule of the sink's, such as a size or a constraint.
/// Sinks and writers of outputs throw it. Everything else that they throw is taken for a failure that passes, and the call is repeated.
/// </summary>
/// <remarks>
/// The processor's error rule for this exception decides. <see cref="ErrorAction.Retry"/> writes the values again;
/// <see cref="ErrorAction.Skip"/> leaves out this value, and only it: the record stays done, and the state as it is. Where there is no
/// rule, the shard is released before its next checkpoint.
/// </remarks>
public sealed class RejectedOutputException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="index">The value's index among those of the call; null where the sink does not say which of them it is.</param>
    /// <param name="message">What the sink says, with the value's place in the sink and the remedy.</param>
    /// <param name="innerException">What the sink's driver has thrown.</param>
    public RejectedOutputException(int? index, string message, Exception? innerException = null)
        : base(message, innerException) => Index = index;

    /// <summary>The value's index among those of the call; null where the sink does not say which of them it is.</summary>
    public int? Index { get; }
}
