using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Fixes;

public sealed class FC3002Tests
{
    [Theory]
    [InlineData("await store.SaveAsync(text);", "await store.SaveAsync(text, token);")]
    [InlineData("await store.CountAsync();", "await store.CountAsync(cancellationToken: token);")]
    [InlineData("await store.CountAsync(true);", "await store.CountAsync(true, token);")]
    [InlineData("await Task.Delay(10);", "await Task.Delay(10, token);")]
    public Task Passes_it(string before, string after) => FixVerifier.VerifyAsync("FC3002", Source(before), Source(after));

    [Fact]
    public Task Passes_it_everywhere() => FixVerifier.VerifyAllAsync(
        "FC3002",
        Source("await store.SaveAsync(text); await store.CountAsync();"),
        Source("await store.SaveAsync(text, token); await store.CountAsync(cancellationToken: token);"));

    private static string Source(string body) => FixSource.Of(
        $$"""
        [OnRecord]
        public async Task HandleAsync(string text, CancellationToken token)
        {
            {{body}}
        }
        """);
}
