using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC1004Tests
{
    [Theory]
    [InlineData(
        ", RouteProperty = \"type\"",
        "[OnRecord(Route = \"a\")] void A(string text) { } [OnRecord(Route = \"A\")] void B(string text) { } "
            + "[OnRecord] void C(string text) { }")]
    [InlineData(
        ", RouteProperty = \"type\"",
        "[OnRecord(Route = \"\")] void A(string text) { } [OnRecord(Route = \"\U0001F600\")] void B(string text) { }")]
    [InlineData("", "[OnRecord] void A(string text) { }")]
    public Task Routes_that_can_be_reached_are_fine(string property, string methods) =>
        RuleVerifier.VerifyAsync("FC1004", Processor(property, methods));

    [Theory]
    [InlineData(
        ", RouteProperty = \"type\"",
        "[OnRecord(Route = \"a\")] void A(string text) { } [OnRecord([|Route = \"a\"|])] void B(string text) { }",
        "The route 'a' of 'B' leads to 'A' already")]
    [InlineData("", "[OnRecord([|Route = \"a\"|])] void A(string text) { }", "names no RouteProperty")]
    [InlineData(", [|RouteProperty = \"type\"|]", "[OnRecord] void A(string text) { }", "no [OnRecord] method has a Route")]
    [InlineData(", [|RouteProperty = \"type\"|]", "[OnBatch] void A(RecordBatch batch) { }", "no [OnRecord] method has a Route")]
    [InlineData(", RouteProperty = \"type\"", "[OnRecord([|Route = \"\\uD83D\"|])] void A(string text) { }", "half of a surrogate pair")]
    [InlineData(", [|RouteProperty = \"\\uDE00\"|]", "[OnRecord(Route = \"a\")] void A(string text) { }", "half of a surrogate pair")]
    public async Task Routes_that_cannot_be_reached_are_reported(string property, string methods, string message) =>
        Assert.Contains(
            message, Assert.Single(await RuleVerifier.VerifyAsync("FC1004", Processor(property, methods))), StringComparison.Ordinal);

    private static string Processor(string property, string methods) =>
        $$"""
        using FastConsumer;

        [KinesisProcessor("s"{{property}})]
        partial class P { {{methods}} }

        static class Startup { static void Start() => Host.AddProcessor<P>(); }
        """;
}
