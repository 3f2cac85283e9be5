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

    [Theory]
    [InlineData("for (int i = 0; i < 3; i++) { try { store.Save(text); return; } catch (Exception) { Console.WriteLine(); } }")]
    [InlineData("for (int i = 0; i < 3; i++) { try { store.Save(text); break; } catch (Exception) { Thread.Sleep(10); } }")]
    [InlineData("bool done = false; for (int i = 0; i < 3 && text.Length > 0; i++) { try { store.Save(text); done = true; } "
        + "catch (Exception) { Task.Delay(10); } } Console.WriteLine(done);")]
    [InlineData("try { store.Save(text); } catch (Exception) { if (text.Length > 1) { return; } else { return; } }")]
    public Task Has_nothing_in_a_retry_or_where_the_end_is_not_reached(string body) =>
        FixVerifier.VerifyNoneAsync("FC2002", FixSource.Of($"[OnRecord]\npublic void Handle(string text)\n{{\n    {body}\n}}"));

    [Fact]
    public Task Rethrows_in_a_loop_over_items() => FixVerifier.VerifyAsync(
        "FC2002",
        FixSource.Of("[OnRecord]\npublic void Handle(string text)\n{\n    foreach (char c in text)\n"
            + "    {\n        try\n        {\n            store.Save(text);\n        }\n        catch (Exception e)\n        {\n"
            + "            Console.WriteLine(e);\n        }\n    }\n}"),
        FixSource.Of("[OnRecord]\npublic void Handle(string text)\n{\n    foreach (char c in text)\n    {\n        try\n        {\n"
            + "            store.Save(text);\n        }\n        catch (Exception e)\n        {\n            Console.WriteLine(e);\n"
            + "            throw;\n        }\n    }\n}"));

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
