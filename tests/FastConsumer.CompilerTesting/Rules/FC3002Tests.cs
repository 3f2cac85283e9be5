using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC3002Tests
{
    [Theory]
    [InlineData("await [|store.SaveAsync(text)|];")]
    [InlineData("await [|store.CountAsync()|];")]
    [InlineData("await [|Task.Delay(1)|];")]
    [InlineData("await [|context.CheckpointAsync()|];")]
    [InlineData("async Task Local() => await [|store.CountAsync()|]; await Local();")]
    [InlineData("await Task.WhenAll(text.Split(',').Select(part => [|store.SaveAsync(part)|]));")]
    [InlineData("await [|SaveAsync(text)|];")]
    [InlineData("var channel = Channel.CreateUnbounded<int>(); await foreach (int item in [|channel.Reader.ReadAllAsync()|]) Console.WriteLine(item);")]
    [InlineData("using var gate = new SemaphoreSlim(1); await [|gate.WaitAsync()|];")]
    public Task A_call_without_the_token_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC3002", Source(body));

    [Theory]
    [InlineData("await store.SaveAsync(text, token);")]
    [InlineData("await store.SaveAsync(text, CancellationToken.None);")]
    [InlineData("using var own = new CancellationTokenSource(); await store.SaveAsync(text, own.Token);")]
    [InlineData("try { store.Save(text); } finally { await store.CountAsync(); }")]
    [InlineData("try { store.Save(text); } catch (IOException) { await store.CountAsync(); throw; }")]
    [InlineData("await Task.Run(() => store.Save(text));")]
    [InlineData("await Task.WhenAll(store.CountAsync(token)); await Task.Yield();")]
    [InlineData("static async Task Local(IStore store) => await store.CountAsync(); await Local(store);")]
    public Task What_passes_it_or_cannot_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC3002", Source(body));

    [Fact]
    public Task Without_a_token_there_is_none_to_pass() => RuleVerifier.VerifyBodyAsync(
        "FC3002",
        HandlerSource.Of("[OnRecord] async Task Handle(string text) => await store.SaveAsync(text);"));

    private static string Source(string body) => HandlerSource.Of(
        $$"""
        [OnRecord] [OnError(typeof(Exception), ErrorAction.Stop)]
        async Task Handle(string text, RecordContext context, CancellationToken token) { await Task.Yield(); {{body}} }
        Task SaveAsync(string text, bool twice = false, CancellationToken token = default) => store.SaveAsync(text + twice, token);
        """);
}
