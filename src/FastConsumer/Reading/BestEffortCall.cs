using FastConsumer.Kinesis;

namespace FastConsumer.Reading;

/// <summary>Asks the service for what is of use only where it comes soon, and can be done without.</summary>
internal static class BestEffortCall
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>The answer; null where it fails, or takes longer than five seconds.</summary>
    public static async Task<T?> TryAsync<T>(Func<CancellationToken, Task<T>> call, TimeProvider time, CancellationToken cancellationToken)
        where T : class
    {
        using var late = new CancellationTokenSource(s_patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await call(either.Token);
        }
        catch (Exception e) when (e is KinesisException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }
}
