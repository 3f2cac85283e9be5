namespace FastConsumer.LoadTest;

/// <summary>Waits for what a load test needs before it can go on.</summary>
internal static class Waiting
{
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits until <paramref name="condition"/> holds.</summary>
    /// <param name="condition">What is waited for.</param>
    /// <param name="state">How far it is, for the message.</param>
    /// <param name="patience">How long it may take.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TimeoutException">It does not hold in time.</exception>
    public static async Task UntilAsync(Func<bool> condition, Func<string> state, TimeSpan patience, CancellationToken cancellationToken)
    {
        long started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > patience)
            {
                throw new TimeoutException($"After {patience}, {state()}.");
            }

            await Task.Delay(s_step, TimeProvider.System, cancellationToken);
        }
    }
}
