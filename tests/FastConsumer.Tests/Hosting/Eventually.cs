namespace FastConsumer.Tests.Hosting;

/// <summary>Waits for conditions; the time-out is generous, for the machine may be slow.</summary>
internal static class Eventually
{
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(10);

    public static Task TrueAsync(Func<bool> condition, Func<string> otherwise) =>
        TrueAsync(() => Task.FromResult(condition()), otherwise);

    public static async Task TrueAsync(Func<Task<bool>> condition, Func<string> otherwise)
    {
        long started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > Patience)
            {
                Assert.Fail(otherwise());
            }

            await Task.Delay(s_interval, TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>The task's result, or a failure after the time-out.</summary>
    public static Task<T> WithinAsync<T>(Task<T> task) => task.WaitAsync(Patience, TimeProvider.System,
        TestContext.Current.CancellationToken);

    /// <inheritdoc cref="WithinAsync{T}"/>
    public static Task WithinAsync(Task task) => task.WaitAsync(Patience, TimeProvider.System, TestContext.Current.CancellationToken);
}
