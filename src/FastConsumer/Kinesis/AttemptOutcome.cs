namespace FastConsumer.Kinesis;

/// <summary>How one attempt ended: a value, or a failure. Small, for it is held while the attempt runs.</summary>
internal readonly record struct AttemptOutcome<T>
{
    public T Value { get; init; }

    public AttemptFailure? Failure { get; init; }

    public static AttemptOutcome<T> Failed(
        KinesisException failure, bool isUntouched = false, bool refusesFormat = false, DateTimeOffset? serverTime = null) =>
        new() { Failure = new AttemptFailure(failure, isUntouched, refusesFormat, serverTime) };
}

/// <summary>Why an attempt failed, and what that allows.</summary>
/// <param name="Exception">What the caller is told.</param>
/// <param name="IsUntouched">The service cannot have acted on the request.</param>
/// <param name="RefusesFormat">The encoding may be the reason.</param>
/// <param name="ServerTime">The time of the answer, where there was one.</param>
internal sealed record AttemptFailure(KinesisException Exception, bool IsUntouched, bool RefusesFormat, DateTimeOffset? ServerTime);
