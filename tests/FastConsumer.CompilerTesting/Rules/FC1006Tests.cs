using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC1006Tests
{
    private const string Handler = "[OnRecord] void A(string text, CancellationToken token) { }";

    [Theory]
    [InlineData("[OnError(typeof(TimeoutException), ErrorAction.Retry, MaxAttempts = 5)]", Handler)]
    [InlineData(
        "[OnError(typeof(ArgumentNullException), ErrorAction.Skip), OnError(typeof(ArgumentException), ErrorAction.Stop), "
            + "OnError(typeof(Exception), ErrorAction.DeadLetter)]",
        Handler)]
    [InlineData(
        "[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 2, Then = ErrorAction.Skip, InitialBackoff = \"00:00:01\", "
            + "MaxBackoff = \"00:00:01\", Timeout = \"00:01:00\")]",
        Handler)]
    [InlineData(
        "[OnError(typeof(Exception), ErrorAction.Skip)]",
        "[OnRecord, OnError(typeof(P.Own), ErrorAction.Stop)] void A(string text) { } class Own : Exception { }")]
    public Task Rules_that_can_be_reached_are_fine(string rules, string methods) =>
        RuleVerifier.VerifyAsync("FC1006", Processor(rules, methods));

    [Theory]
    [InlineData(
        "[OnError(typeof(Exception), ErrorAction.Skip), [|OnError(typeof(TimeoutException), ErrorAction.Stop)|]]",
        "'System.Exception' before it takes the same")]
    [InlineData(
        "[OnError(typeof(TimeoutException), ErrorAction.Skip), [|OnError(typeof(TimeoutException), ErrorAction.Stop)|]]", "never reached")]
    [InlineData("[OnError([|typeof(string)|], ErrorAction.Skip)]", "'string' is no exception")]
    [InlineData("[OnError([|typeof(Of<>)|], ErrorAction.Skip)]", "is no exception")]
    [InlineData("[OnError([|null!|], ErrorAction.Skip)]", "'null' is no exception")]
    [InlineData("[OnError(typeof(Exception), ErrorAction.Skip, [|MaxAttempts = 3|])]", "MaxAttempts belongs to ErrorAction.Retry")]
    [InlineData("[OnError(typeof(Exception), ErrorAction.Stop, [|InitialBackoff = \"00:00:01\"|])]", "InitialBackoff belongs")]
    [InlineData("[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 3, [|Then = ErrorAction.Retry|])]", "there is no other")]
    [InlineData("[OnError(typeof(Exception), ErrorAction.Retry, [|Then = ErrorAction.Skip|])]", "without MaxAttempts")]
    [InlineData(
        "[OnError(typeof(FormatException), ErrorAction.Retry, MaxAttempts = 2, [|Timeout = \"00:00:01\"|])]",
        "Put Timeout on a rule for TimeoutException")]
    public async Task Rules_that_cannot_work_are_reported(string rules, string message) =>
        Assert.Contains(
            message,
            Assert.Single(await RuleVerifier.VerifyAsync("FC1006", Processor(rules, Handler + " class Of<T> : Exception { }"))),
            StringComparison.Ordinal);

    [Theory]
    [InlineData(
        "[OnRecord, OnError(typeof(Exception), ErrorAction.Retry, Timeout = \"00:00:01\")] void [|A|](string text) { }",
        "takes no CancellationToken")]
    [InlineData(
        "[OnRecord] void A(string text) { } [OnStopping, OnError(typeof(Exception), ErrorAction.Skip)] void [|B|]() { }",
        "it is no handler")]
    public async Task Rules_on_the_wrong_method_are_reported(string methods, string message) =>
        Assert.Contains(message, Assert.Single(await RuleVerifier.VerifyAsync("FC1006", Processor("", methods))), StringComparison.Ordinal);

    [Fact]
    public async Task Rules_on_two_parts_are_reported() =>
        Assert.Contains(
            "stand on two of its parts",
            Assert.Single(
                await RuleVerifier.VerifyAsync("FC1006", Processor("[OnError(typeof(FormatException), ErrorAction.Skip)]", Handler)
                    + "\n[[|OnError(typeof(Exception), ErrorAction.Stop)|]] partial class P { }")),
            StringComparison.Ordinal);

    [Fact]
    public async Task A_broken_rule_of_the_assembly_is_reported_once() =>
        Assert.Single(await RuleVerifier.VerifyAsync(
            "FC1006",
            $$"""
            using FastConsumer;

            [assembly: OnError([|typeof(string)|], ErrorAction.Skip)]

            [KinesisProcessor("s")]
            partial class P { {{Handler}} }

            [KinesisProcessor("s")]
            partial class Q { {{Handler}} }
            """));

    private static string Processor(string rules, string methods) =>
        $$"""
        using FastConsumer;

        [KinesisProcessor("s")] {{rules}}
        partial class P { {{methods}} }

        static class Startup { static void Start() => Host.AddProcessor<P>(); }
        """;
}
