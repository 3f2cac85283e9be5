using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC5003Tests
{
    [Theory]
    [InlineData("partial KeyedState<Stranger> [|A|] { get; }", "Add [JsonSerializable(typeof(Stranger))] to it, or name a serializer")]
    [InlineData("partial KeyedMap<int, Stranger> [|A|] { get; }", "does not know Stranger")]
    [InlineData(
        "partial KeyedList<KeyValuePair<int, Total>> [|A|] { get; }",
        "does not know System.Collections.Generic.KeyValuePair<int, Total>")]
    [InlineData("partial KeyedState<Total> A { get; } [StateMigration(\"a\", From = 1)] static Total M(Stranger [|old|]) => default;",
        "'old' of 'P.M(Stranger)' is read as JSON, but 'Json' does not know Stranger")]
    public async Task A_type_that_the_context_does_not_know_is_reported(string state, string message) => Assert.Contains(
        message,
        Assert.Single(await RuleVerifier.VerifyAsync(
            "FC5003", StateSource.Of($"{StateSource.Handler} [State(\"a\")] {state}", ", StateVersion = 2"))),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("[State(\"a\")] partial KeyedState<Total> A { get; }")]
    [InlineData("[State(\"a\")] partial KeyedState<int?> A { get; }")]
    [InlineData("[State(\"a\"), StateSerializer(typeof(StrangerSerializer))] partial KeyedState<Stranger> A { get; } "
        + "[StateMigration(\"a\", From = 1)] static Stranger M(Stranger old) => old;")]
    public Task One_that_is_known_or_has_a_serializer_is_fine(string state) =>
        RuleVerifier.VerifyAsync("FC5003", StateSource.Of(StateSource.Handler + state, ", StateVersion = 2"));
}
