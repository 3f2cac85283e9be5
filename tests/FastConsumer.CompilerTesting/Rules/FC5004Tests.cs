using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC5004Tests
{
    private const string State = "[State(\"a\")] partial KeyedState<Total> A { get; }";

    [Fact]
    public async Task No_order_beside_state_is_reported() => Assert.Contains(
        "Use RecordOrder.PartitionKey",
        Assert.Single(await RuleVerifier.VerifyAsync("FC5004", StateSource.Of(
            StateSource.Handler + State, attributes: "[Concurrency(1, [|Order = RecordOrder.None|])]"))),
        StringComparison.Ordinal);

    [Theory]
    [InlineData(State, "[Concurrency(1, Order = RecordOrder.PartitionKey)]")]
    [InlineData(State, "[Concurrency(1, Order = RecordOrder.Shard)]")]
    [InlineData("", "[Concurrency(4, Order = RecordOrder.None)]")]
    public Task Another_order_or_no_state_is_fine(string state, string attributes) =>
        RuleVerifier.VerifyAsync("FC5004", StateSource.Of(StateSource.Handler + state, attributes: attributes));
}
