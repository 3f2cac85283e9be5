using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC1003Tests
{
    [Theory]
    [InlineData("[OnRecord] void A(string text) { }")]
    [InlineData("[OnBatch] void A(RecordBatch batch) { } [OnShardStarted] void B() { } [OnShardEnded] void C() { } [OnLeaseLost] void D() { } [OnStopping] void E() { }")]
    public Task Handlers_that_go_together_are_fine(string methods) => RuleVerifier.VerifyAsync("FC1003", Processor("P", methods));

    [Theory]
    [InlineData("[OnRecord] void A(string text) { } [OnRecord] void [|B|](string text) { }", "'B' and 'A' both take every record")]
    [InlineData("[OnRecord] void A(string text) { } [OnBatch] void [|B|](RecordBatch batch) { }", "'B' takes batches, but 'A' takes each record")]
    [InlineData("[OnBatch] void A(RecordBatch batch) { } [OnBatch] void [|B|](RecordBatch batch) { }", "both take every batch")]
    [InlineData("[OnRecord] void A(string text) { } [OnStopping] void B() { } [OnStopping] void [|C|]() { }", "both marked [OnStopping]")]
    [InlineData("[OnRecord, OnStopping] void [|A|](string text) { }", "takes records too")]
    public async Task Handlers_that_conflict_are_reported(string methods, string message) =>
        Assert.Contains(message, Assert.Single(await RuleVerifier.VerifyAsync("FC1003", Processor("P", methods))), StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("void A(string text) { }")]
    [InlineData("[OnStopping] void A() { }")]
    public async Task A_processor_without_a_handler_is_reported(string methods) =>
        Assert.Contains("has no handler", Assert.Single(await RuleVerifier.VerifyAsync("FC1003", Processor("[|P|]", methods))), StringComparison.Ordinal);

    private static string Processor(string name, string methods) =>
        $$"""
        using FastConsumer;

        [KinesisProcessor("s")]
        partial class {{name}} { {{methods}} }

        static class Startup { static void Start() => Host.AddProcessor<P>(); }
        """;
}
