using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC5004Tests
{
    private const string State = "[State(\"a\")] partial KeyedState<Total> A { get; }";
    private const string Output = "[Output(\"a\")] partial Output<Row> Rows { get; }";

    [Fact]
    public async Task No_order_beside_state_is_reported() => Assert.Contains(
        "Use RecordOrder.PartitionKey",
        Assert.Single(await RuleVerifier.VerifyAsync("FC5004", StateSource.Of(
            StateSource.Handler + State, attributes: "[Concurrency(1, [|Order = RecordOrder.None|])]"))),
        StringComparison.Ordinal);

    [Fact]
    public async Task No_order_beside_an_output_is_reported()
    {
        string message = Assert.Single(await RuleVerifier.VerifyAsync("FC5004", StateSource.Of(
            StateSource.Handler + Output, attributes: "[Concurrency(4, [|Order = RecordOrder.None|])]")));
        Assert.Contains("'P' has outputs, whose values come in the order of a key's records", message, StringComparison.Ordinal);
        Assert.Contains("Use RecordOrder.PartitionKey", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Output, "[Concurrency(4, Order = RecordOrder.PartitionKey)]")]
    [InlineData(Output, "[Concurrency(4, Order = RecordOrder.Shard)]")]
    [InlineData(State, "[Concurrency(1, Order = RecordOrder.PartitionKey)]")]
    [InlineData(State, "[Concurrency(1, Order = RecordOrder.Shard)]")]
    [InlineData("", "[Concurrency(4, Order = RecordOrder.None)]")]
    public Task Another_order_or_neither_state_nor_output_is_fine(string state, string attributes) =>
        RuleVerifier.VerifyAsync("FC5004", StateSource.Of(StateSource.Handler + state, attributes: attributes));
}
