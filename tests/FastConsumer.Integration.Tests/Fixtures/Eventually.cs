namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>Waits for conditions, with a time-out that only a test that fails meets.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(25);

    /// <summary>The result of something that ends by itself, such as a process that was told to.</summary>
    /// <param name="what">What is waited for, for the message.</param>
    /// <param name="task">Ends with the result.</param>
    /// <param name="state">What to say of the state when it never did.</param>
    /// <param name="longer">How long it is waited for, where it takes its time.</param>
    public static async Task<T> EndsAsync<T>(string what, Task<T> task, Func<string>? state = null, TimeSpan? longer = null)
    {
        var patience = longer ?? Patience;
        try
        {
            return await task.WaitAsync(patience, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"Waited {patience} in vain: {what}.{Environment.NewLine}{state?.Invoke()}", exception);
        }
    }

    public static Task ThatAsync(string what, Func<bool> condition, Func<string>? state = null) =>
        ThatAsync(what, () => Task.FromResult(condition()), state);

    /// <param name="what">What is waited for, for the message.</param>
    /// <param name="condition">Asked again and again until it is true.</param>
    /// <param name="state">What to say of the state when it never was.</param>
    public static async Task ThatAsync(string what, Func<Task<bool>> condition, Func<string>? state = null)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var patience = new CancellationTokenSource(Patience);
        while (!await condition())
        {
            if (patience.IsCancellationRequested)
                throw new TimeoutException($"Waited {Patience} in vain: {what}.{Environment.NewLine}{state?.Invoke()}");
            await Task.Delay(Poll, cancellationToken);
        }
    }
}
