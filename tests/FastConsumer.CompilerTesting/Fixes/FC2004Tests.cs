using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Fixes;

public sealed class FC2004Tests
{
    [Theory]
    [InlineData("catch (Exception e)", "catch (Exception e) when (e is not OperationCanceledException)")]
    [InlineData("catch (Exception)", "catch (Exception e) when (e is not OperationCanceledException)")]
    [InlineData("catch", "catch (Exception e) when (e is not OperationCanceledException)")]
    [InlineData(
        "catch (Exception e) when (e is not IOException)",
        "catch (Exception e) when (e is not OperationCanceledException && (e is not IOException))")]
    public Task A_general_clause_lets_it_pass(string before, string after) =>
        FixVerifier.VerifyAsync("FC2004", Source(before, "store.Save(\"failed\");"), Source(after, "store.Save(\"failed\");"));

    [Fact]
    public Task A_clause_of_its_own_rethrows() => FixVerifier.VerifyAsync(
        "FC2004",
        Source("catch (OperationCanceledException)", "Console.WriteLine();"),
        Source("catch (OperationCanceledException)", "Console.WriteLine();\n        throw;"));

    private static string Source(string clause, string body) => FixSource.Of(
        $$"""
        [OnRecord]
        public async Task HandleAsync(string text, CancellationToken token)
        {
            try
            {
                await store.SaveAsync(text, token);
            }
            {{clause}}
            {
                {{body}}
            }
        }
        """);
}
