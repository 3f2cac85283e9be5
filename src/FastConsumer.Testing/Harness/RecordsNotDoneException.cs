namespace FastConsumer.Testing.Harness;

/// <summary>
/// What a test waited for has not come about. The message says how far each shard is and what holds it up; the inner exception
/// is what a handler failed with last, where one has failed.
/// </summary>
public sealed class RecordsNotDoneException : Exception
{
    internal RecordsNotDoneException(string message, Exception? lastFailure)
        : base(message, lastFailure)
    {
    }
}
