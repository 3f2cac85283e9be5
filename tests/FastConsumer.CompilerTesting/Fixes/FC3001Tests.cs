using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Fixes;

public sealed class FC3001Tests
{
    [Theory]
    [InlineData("Console.WriteLine(store.CountAsync(true, token).Result);", "Console.WriteLine(await store.CountAsync(true, token));")]
    [InlineData(
        "string count = store.CountAsync(true, token).Result.ToString();",
        "string count = (await store.CountAsync(true, token)).ToString();")]
    [InlineData("store.SaveAsync(text, token).Wait();", "await store.SaveAsync(text, token);")]
    [InlineData("store.SaveAsync(text, token).GetAwaiter().GetResult();", "await store.SaveAsync(text, token);")]
    [InlineData("Thread.Sleep(100);", "await Task.Delay(100, token);")]
    [InlineData("File.WriteAllText(\"a\", text);", "await File.WriteAllTextAsync(\"a\", text, token);")]
    [InlineData("string all = File.ReadAllText(\"a\");", "string all = await File.ReadAllTextAsync(\"a\", token);")]
    [InlineData(
        "Task.WaitAll(store.SaveAsync(text, token), store.SaveAsync(text, token));",
        "await Task.WhenAll(store.SaveAsync(text, token), store.SaveAsync(text, token));")]
    public Task Awaits_instead(
        string before, string after) => FixVerifier.VerifyAsync("FC3001", Source("async Task", before), Source("async Task", after));

    [Fact]
    public Task Makes_the_handler_async() => FixVerifier.VerifyAsync(
        "FC3001", Source("void", "Thread.Sleep(100);"), Source("async Task", "await Task.Delay(100, token);"));

    [Fact]
    public Task Has_nothing_where_an_interface_asks_for_the_return_type() =>
        FixVerifier.VerifyNoneAsync("FC3001", FixSource.OfInterface("Thread.Sleep(1);"));

    [Fact]
    public Task Has_nothing_where_the_twin_takes_memory() => FixVerifier.VerifyNoneAsync(
        "FC3001", Source("async Task", "using var file = File.OpenWrite(text); file.Write(\"a\"u8); await Task.Yield();"));

    [Fact]
    public Task Awaits_all() => FixVerifier.VerifyAllAsync(
        "FC3001",
        Source("void", "Thread.Sleep(100); store.SaveAsync(text, token).Wait();"),
        Source("async Task", "await Task.Delay(100, token); await store.SaveAsync(text, token);"));

    [Theory]
    [InlineData("store.SaveAsync(text, token).Wait(100);")]
    [InlineData("lock (store) { Thread.Sleep(1); }")]
    [InlineData("void Local() => Thread.Sleep(1); Local();")]
    public Task Has_nothing_where_no_await_would_do(string body) => FixVerifier.VerifyNoneAsync("FC3001", Source("void", body));

    private static string Source(string returns, string body) => FixSource.Of(
        $$"""
        [OnRecord]
        public {{returns}} Handle(string text, CancellationToken token)
        {
            {{body}}
        }
        """);
}
