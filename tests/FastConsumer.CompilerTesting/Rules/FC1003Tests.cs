using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC1003Tests
{
    [Theory]
    [InlineData("[OnRecord] void A(string text) { }")]
    [InlineData("[OnRecord] void A(string text) { } [Filter] static bool B(ReadOnlySpan<byte> data) => true; "
        + "[Filter] static bool C(string text) => true;")]
    [InlineData("[OnBatch] void A(ReadOnlyMemory<string> texts) { } [Filter] static bool B(string text) => true;")]
    [InlineData("[OnBatch] void A(RecordBatch batch) { } [OnShardStarted] void B() { } [OnShardEnded] void C() { } "
        + "[OnLeaseLost] void D() { } [OnStopping] void E() { }")]
    public Task Handlers_that_go_together_are_fine(string methods) => RuleVerifier.VerifyAsync("FC1003", Processor("P", methods));

    [Theory]
    [InlineData("[OnRecord] void A(string text) { } [OnRecord] void [|B|](string text) { }", "'B' and 'A' both take every record")]
    [InlineData(
        "[OnRecord] void A(string text) { } [OnBatch] void [|B|](RecordBatch batch) { }", "'B' takes batches, but 'A' takes each record")]
    [InlineData("[OnBatch] void A(RecordBatch batch) { } [OnBatch] void [|B|](RecordBatch batch) { }", "both take every batch")]
    [InlineData("[OnRecord] void A(string text) { } [OnStopping] void B() { } [OnStopping] void [|C|]() { }", "both marked [OnStopping]")]
    [InlineData(
        "[OnRecord] void A(string text) { } [Filter] static bool B(KinesisRecord record) => true; "
            + "[Filter] static bool [|C|](ReadOnlySpan<byte> data) => true;",
        "both filter every record")]
    [InlineData(
        "[OnRecord] void A(string text) { } [Filter] static bool B(string text) => true; [Filter] static bool [|C|](string text) => true;",
        "both filter the payloads of 'A'")]
    [InlineData("[OnRecord] void A(string text) { } [Filter] static bool [|B|](int text) => true;", "never asked")]
    [InlineData("[OnBatch] void A(RecordBatch batch) { } [Filter] static bool [|B|](RecordBatch batch) => true;", "never asked")]
    [InlineData("[OnRecord, Filter] void [|A|](string text) { }", "marked [Filter] and takes records")]
    [InlineData("[OnRecord, OnStopping] void [|A|](string text) { }", "takes records too")]
    public async Task Handlers_that_conflict_are_reported(string methods, string message) =>
        Assert.Contains(
            message, Assert.Single(await RuleVerifier.VerifyAsync("FC1003", Processor("P", methods))), StringComparison.Ordinal);

    [Theory]
    [InlineData(
        "class Base { [OnStopping] protected void Stop() { } }", "[OnRecord] void A(string text) { } [OnShardStarted] void Start() { }")]
    [InlineData(
        "abstract class Base { [OnStopping] protected abstract void Stop(); }",
        "[OnRecord] void A(string text) { } [OnStopping] protected override void Stop() { }")]
    [InlineData(
        "class Base { [OnStopping] protected virtual void Stop() { } }",
        "[OnRecord] void A(string text) { } protected override void Stop() { }")]
    [InlineData(
        "class Base { [OnStopping] protected void Stop() { } }", "[OnRecord] void A(string text) { } [OnStopping] void [|Leave|]() { }")]
    [InlineData("class Base { [OnRecord] public void Other(string text) { } }", "[OnRecord] void A(string text) { }")]
    public Task One_method_for_a_moment_counts_those_of_bases(string declaration, string methods) =>
        RuleVerifier.VerifyAsync("FC1003", Processor("P : Base", methods) + declaration);

    [Fact]
    public async Task Two_kinds_of_transactions_are_reported() => Assert.Contains(
        "A shard's position is kept in one place",
        Assert.Single(await RuleVerifier.VerifyAsync(
            "FC1003",
            """
            using FastConsumer;
            [KinesisProcessor("s", RouteProperty = "type")]
            partial class P
            {
                [OnRecord] void A(string text, System.Data.Common.DbTransaction transaction) { }
                [OnRecord(Route = "b")] void [|B|](string text, [SinkTransaction] List<int> list) { }
            }
            """)),
        StringComparison.Ordinal);

    [Fact]
    public async Task Lanes_and_a_transaction_are_reported() => Assert.Contains(
        "a shard has one at a time",
        Assert.Single(await RuleVerifier.VerifyAsync(
            "FC1003",
            """
            using FastConsumer;
            [KinesisProcessor("s"), Concurrency([|4|])]
            partial class P { [OnRecord] void A(string text, System.Data.Common.DbTransaction transaction) { } }
            """)),
        StringComparison.Ordinal);

    [Fact]
    public Task Two_processors_report_what_their_base_conflicts_with_once() => RuleVerifier.VerifyAsync(
        "FC1003",
        """
        using FastConsumer;
        class First { [OnStopping] protected void Stop() { } }
        class Second : First { [OnStopping] protected void [|Leave|]() { } }
        [KinesisProcessor("s")] partial class P : Second { [OnRecord] void A(string text) { } }
        [KinesisProcessor("t")] partial class Q : Second { [OnRecord] void A(string text) { } }
        """);

    [Theory]
    [InlineData("")]
    [InlineData("void A(string text) { }")]
    [InlineData("[OnStopping] void A() { }")]
    public async Task A_processor_without_a_handler_is_reported(string methods) =>
        Assert.Contains(
            "has no handler",
            Assert.Single(await RuleVerifier.VerifyAsync("FC1003", Processor("[|P|]", methods))),
            StringComparison.Ordinal);

    [Fact]
    public async Task Lanes_of_batches_are_reported() =>
        Assert.Contains(
            "has no effect",
            Assert.Single(await RuleVerifier.VerifyAsync("FC1003", Processor("P", "[OnBatch] void A(RecordBatch batch) { }").Replace(
                "[KinesisProcessor(\"s\")]", "[KinesisProcessor(\"s\"), [|Concurrency(2)|]]", StringComparison.Ordinal))),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("[State([|\"a\"|])] partial KeyedState<Old> B { get; }", "declared twice")]
    [InlineData("[StateMigration([|\"b\"|], From = 1)] static Total M(Old a) => default;", "a state 'b', which 'P' does not have")]
    [InlineData("[StateMerge([|\"b\"|])] static Total M(Total a, Total b, Total? c) => a;", "a state 'b', which 'P' does not have")]
    [InlineData("[StateMigration(\"a\", From = 1)] static Total M(Old a) => default; "
        + "[StateMigration(\"a\", [|From = 1|])] static Total N(Old a) => default;", "both read the values of 'a' up to version 1")]
    [InlineData("[StateMerge(\"a\")] static Total M(Total a, Total b, Total? c) => a; "
        + "[[|StateMerge(\"a\")|]] static Total N(Total a, Total b, Total? c) => a;", "both unite the values of 'a'")]
    [InlineData(
        "[State(\"l\")] partial KeyedList<Total> L { get; } [[|StateMerge(\"l\")|]] static Total M(Total a, Total b, Total? c) => a;",
        "lists are united without a method")]
    [InlineData("[[|StateSerializer(typeof(StrangerSerializer))|]] int Number => 1;", "'Number' is no state")]
    [InlineData("[Output(\"b\"), [|StateSerializer(typeof(StrangerSerializer))|]] partial Output<Stranger> B { get; }",
        "'B' is an output, whose values are not stored. Remove it")]
    [InlineData("[Output(\"a\")] partial Output<Row> B { get; } [Output([|\"a\"|])] partial Output<Row> C { get; }",
        "The output 'a' is declared twice in 'P'")]
    [InlineData("[State(\"b\"), [|Output(\"b\")|]] partial KeyedState<Total> B { get; }", "marked [State] and [Output]")]
    [InlineData("[Output(\"b\")] partial Output<Row> B { get; } [StateMerge([|\"b\"|])] static Total M(Total a, Total b, Total? c) => a;",
        "a state 'b', which 'P' does not have")]
    public async Task States_that_conflict_are_reported(string members, string message) => Assert.Contains(
        message,
        Assert.Single(await RuleVerifier.VerifyAsync("FC1003", StateSource.Of(
            StateSource.Handler + "[State(\"a\")] partial KeyedState<Total> A { get; } " + members, ", StateVersion = 2"))),
        StringComparison.Ordinal);

    [Theory]
    [InlineData(
        "[OnRecord] void [|Handle|](string text, System.Data.Common.DbTransaction transaction) { }",
        "[State(\"a\")] partial KeyedState<Total> A { get; }", "takes a transaction, and 'P' has state, which")]
    [InlineData(
        "[OnRecord] void [|Handle|](string text, System.Data.Common.DbTransaction transaction) { }",
        "[Output(\"a\")] partial Output<Row> A { get; }", "takes a transaction, and 'P' has outputs, which")]
    [InlineData(
        "[OnBatch] void [|Handle|](ReadOnlyMemory<string> texts, [SinkTransaction] List<int> transaction) { }",
        "[State(\"a\")] partial KeyedState<Total> A { get; } [Output(\"a\")] partial Output<Row> B { get; }",
        "takes a transaction, and 'P' has state and outputs, which")]
    public async Task What_does_not_go_with_state_and_outputs_yet_is_reported(string handler, string members, string message) =>
        Assert.Contains(
            message, Assert.Single(await RuleVerifier.VerifyAsync("FC1003", StateSource.Of(handler + members))), StringComparison.Ordinal);

    [Fact]
    public async Task An_output_in_a_base_class_is_reported() => Assert.Contains(
        "is marked [Output] in a base class, but the outputs of a processor stand in the class with [KinesisProcessor] itself",
        Assert.Single(await RuleVerifier.VerifyAsync("FC1003", StateSource.Of(
            StateSource.Handler,
            bases: " : Basis",
            types: "abstract partial class Basis { [Output(\"a\")] private partial Output<Row> [|A|] { get; } "
                + "private partial Output<Row> A => null!; }"))),
        StringComparison.Ordinal);

    [Fact]
    public Task One_lane_goes_with_state() => RuleVerifier.VerifyAsync("FC1003", StateSource.Of(
        StateSource.Handler + "[State(\"a\")] partial KeyedState<Total> A { get; }", attributes: "[Concurrency(1)]"));

    [Fact]
    public Task States_of_a_base_class_are_reported_once() => RuleVerifier.VerifyAsync("FC1003", StateSource.Of(
        StateSource.Handler,
        bases: " : Base",
        types:
            """
            partial class Base
            {
                [State("a")] protected partial KeyedState<Total> [|A|] { get; }
                protected partial KeyedState<Total> A => null!;
                [StateMigration("a", From = 1)] protected static Total [|Migrate|](Old a) => default;
            }

            [KinesisProcessor("t")] partial class Q : Base { [OnRecord] void Handle(string text) { } }
            """));


    private static string Processor(string name, string methods) =>
        $$"""
        using FastConsumer;

        [KinesisProcessor("s")]
        partial class {{name}} { {{methods}} }

        static class Startup { static void Start() => Host.AddProcessor<P>(); }
        """;
}
