using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC3001Tests
{
    [Theory]
    [InlineData("Console.WriteLine([|store.CountAsync(token).Result|]);")]
    [InlineData("[|store.SaveAsync(text, token).Wait()|];")]
    [InlineData("[|store.SaveAsync(text, token).Wait(1000, token)|];")]
    [InlineData("[|store.SaveAsync(text, token).GetAwaiter().GetResult()|];")]
    [InlineData("[|store.SaveAsync(text, token).ConfigureAwait(false).GetAwaiter().GetResult()|];")]
    [InlineData("[|Task.WaitAll(store.SaveAsync(text, token))|];")]
    [InlineData("[|Thread.Sleep(10)|];")]
    [InlineData("[|_gate.Wait()|];")]
    [InlineData("[|File.WriteAllText(\"a\", text)|];")]
    [InlineData("[|_event.WaitOne()|];")]
    [InlineData("Task<int> count = store.CountAsync(token); Console.WriteLine([|count.Result|]);")]
    [InlineData("string all = $\"{[|store.CountAsync(token).Result|]}\"; Console.WriteLine(all);")]
    [InlineData("try { store.Save(text); } finally { [|store.SaveAsync(text, token).Wait()|]; }")]
    public Task A_wait_that_holds_the_thread_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC3001", Source(body));

    [Theory]
    [InlineData("Task<int> count = store.CountAsync(token); await count; Console.WriteLine(count.Result);")]
    [InlineData("Task<int>[] counts = [store.CountAsync(token)]; await Task.WhenAll(counts); Console.WriteLine(counts[0].Result + counts.Sum(task => task.Result));")]
    [InlineData("Task<int>[] counts = [store.CountAsync(token)]; await Task.WhenAll(counts); foreach (var task in counts) Console.WriteLine(task.Result);")]
    [InlineData("Task<int> count = store.CountAsync(token); if (count.IsCompletedSuccessfully) Console.WriteLine(count.Result); else await count;")]
    [InlineData("Console.WriteLine(_gate.Wait(0));")]
    [InlineData("await Task.Delay(10, token);")]
    [InlineData("new MemoryStream().WriteByte(1);")]
    [InlineData("store.Save(text);")]
    public Task What_does_not_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC3001", Source(body));

    [Fact]
    public Task The_life_cycle_counts_and_other_code_does_not() => RuleVerifier.VerifyBodyAsync(
        "FC3001",
        HandlerSource.Of("[OnRecord] void Handle(string text) { } [OnStopping] void Stop() => [|Thread.Sleep(1)|]; void Other() => Thread.Sleep(1);"));

    private static string Source(string body) => HandlerSource.Of(
        $$"""
        SemaphoreSlim _gate = new(1); ManualResetEvent _event = new(false);
        [OnRecord] [OnError(typeof(Exception), ErrorAction.Stop)] async Task Handle(string text, CancellationToken token) { await Task.Yield(); {{body}} }
        """);
}
