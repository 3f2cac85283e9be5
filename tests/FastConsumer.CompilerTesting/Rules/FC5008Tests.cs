using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC5008Tests
{
    private const string State = "[State(\"a\")] partial KeyedState<Total> A { get; }";

    [Fact]
    public async Task A_version_without_state_is_reported() => Assert.Contains(
        "'P' has neither a [State] nor an [Output] property",
        Assert.Single(await RuleVerifier.VerifyAsync("FC5008", StateSource.Of(StateSource.Handler, ", [|StateVersion = 2|]"))),
        StringComparison.Ordinal);

    [Fact]
    public Task A_version_with_an_output_only_is_fine() => RuleVerifier.VerifyAsync(
        "FC5008", StateSource.Of(StateSource.Handler + "[Output(\"a\")] partial Output<Row> Rows { get; }", ", StateVersion = 2"));

    [Theory]
    [InlineData("[OnError([|typeof(StateUnreadableException)|], ErrorAction.Skip)]", "")]
    [InlineData("", "[OnError([|typeof(StateUnreadableException)|], ErrorAction.Retry)]")]
    public async Task A_rule_for_what_no_rule_takes_is_reported(string ofClass, string ofMethod) => Assert.Contains(
        "stops the shard",
        Assert.Single(await RuleVerifier.VerifyAsync(
            "FC5008", StateSource.Of(ofMethod + StateSource.Handler + State, attributes: ofClass))),
        StringComparison.Ordinal);

    [Fact]
    public Task What_has_an_effect_is_fine() => RuleVerifier.VerifyAsync("FC5008", StateSource.Of(
        StateSource.Handler + State, ", StateVersion = 2", "[OnError(typeof(FormatException), ErrorAction.Skip)]"));
}
