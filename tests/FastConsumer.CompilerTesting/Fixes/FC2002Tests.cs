using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Fixes;

public sealed class FC2002Tests
{
    [Fact]
    public Task Rethrows_at_the_end() => FixVerifier.VerifyAsync(
        "FC2002",
        Source("Console.WriteLine(e);"),
        Source("Console.WriteLine(e);\n        throw;"));

    [Fact]
    public Task Rethrows_instead_of_leaving() => FixVerifier.VerifyAsync(
        "FC2002",
        Source("Console.WriteLine(e);\n        return;"),
        Source("Console.WriteLine(e);\n        throw;"));

    [Fact]
    public Task Rethrows_everywhere() => FixVerifier.VerifyAllAsync(
        "FC2002",
        Twice("Console.WriteLine(1);", "Console.WriteLine(2);"),
        Twice("Console.WriteLine(1);\n        throw;", "Console.WriteLine(2);\n        throw;"));

    private static string Source(string body) => FixSource.Of(
        $$"""
        [OnRecord]
        public void Handle(string text)
        {
            try
            {
                store.Save(text);
            }
            catch (Exception e)
            {
                {{body}}
            }
        }
        """);

    private static string Twice(string first, string second) => FixSource.Of(
        $$"""
        [OnRecord]
        public void Handle(string text)
        {
            try
            {
                store.Save(text);
            }
            catch (InvalidOperationException)
            {
                {{first}}
            }
            catch
            {
                {{second}}
            }
        }
        """);
}
