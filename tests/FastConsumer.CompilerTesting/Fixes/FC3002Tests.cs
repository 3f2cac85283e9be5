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

    [Theory]
    [InlineData("await db.FindAsync<object>(text);", "await db.FindAsync<object>([text], token);")]
    [InlineData("await db.FindAsync<object>(text, 1);", "await db.FindAsync<object>([text, 1], token);")]
    [InlineData(
        "await Parallel.ForEachAsync(text.Split(','), async (part, inner) => await store.SaveAsync(part, inner));",
        "await Parallel.ForEachAsync(text.Split(','), token, async (part, inner) => await store.SaveAsync(part, inner));")]
    public Task Puts_it_where_it_is_taken_for_a_token(string before, string after) =>
        FixVerifier.VerifyAsync("FC3002", Database(before), Database(after));

    [Theory]
    [InlineData(
        "await Parallel.ForEachAsync(text.Split(','), new ParallelOptions(), async (part, inner) => await store.SaveAsync(part, inner));")]
    [InlineData("await db.FindAsync<object>(text, token);")]
    public Task Has_nothing_where_it_could_not_write_it(string body) => FixVerifier.VerifyNoneAsync("FC3002", Database(body));

    private static string Database(string body) => FixSource.Of("[OnRecord]\npublic async Task HandleAsync(string text, "
        + $"[FromServices] Microsoft.EntityFrameworkCore.DbContext db, CancellationToken token)\n{{\n    {body}\n}}");

    private static string Source(string body) => FixSource.Of(
        $$"""
        [OnRecord]
        public async Task HandleAsync(string text, CancellationToken token)
        {
            {{body}}
        }
        """);
}
