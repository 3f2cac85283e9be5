namespace FastConsumer.Dashboard.Tests.Hosting;

/// <summary>Waits for conditions; the time-out is generous, for the machine may be slow.</summary>
internal static class Eventually
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(20);

    public static async Task<T> FoundAsync<T>(Func<Task<T?>> find, Func<string> otherwise)
        where T : class
    {
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            if (await find() is { } found)
            {
                return found;
            }

            if (TimeProvider.System.GetElapsedTime(started) > s_patience)
            {
                Assert.Fail(otherwise());
            }

            await Task.Delay(s_interval, TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    public static Task TrueAsync(Func<bool> condition, Func<string> otherwise) => FoundAsync(
        () => Task.FromResult(condition() ? "yes" : null), otherwise);

    public static Task<T> WithinAsync<T>(Task<T> task) =>
        task.WaitAsync(s_patience, TimeProvider.System, TestContext.Current.CancellationToken);
}
