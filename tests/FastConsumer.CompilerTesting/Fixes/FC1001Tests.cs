using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Fixes;

public sealed class FC1001Tests
{
    [Fact]
    public Task Adds_partial() => FixVerifier.VerifyAsync(
        "FC1001", Source("public sealed class P"), Source("public sealed partial class P"));

    [Fact]
    public Task Adds_partial_where_there_is_no_modifier() => FixVerifier.VerifyAsync(
        "FC1001", Source("class P"), Source("partial class P"));

    [Fact]
    public Task Adds_partial_around_all() => FixVerifier.VerifyAllAsync(
        "FC1001",
        "using FastConsumer;\n\nclass Outer\n{\n    [KinesisProcessor(\"s\")]\n    class P\n    {\n"
            + "        [OnRecord] public void Handle(string text) { }\n    }\n}\n",
        "using FastConsumer;\n\npartial class Outer\n{\n    [KinesisProcessor(\"s\")]\n    partial class P\n    {\n"
            + "        [OnRecord] public void Handle(string text) { }\n    }\n}\n");

    [Theory]
    [InlineData("private KeyedState<int> Count { get; } = null!;", null)]
    [InlineData("private KeyedState<int> Count { get; }", "private partial KeyedState<int> Count { get; }")]
    [InlineData("KeyedState<int> Count { get; }", "partial KeyedState<int> Count { get; }")]
    public Task Adds_partial_to_a_state(string before, string? after) => after is null
        ? FixVerifier.VerifyNoneAsync("FC1001", State(before))
        : FixVerifier.VerifyAsync("FC1001", State(before), State(after));

    [Fact]
    public Task Adds_partial_to_an_output() => FixVerifier.VerifyAsync(
        "FC1001",
        State("private Output<int> Count { get; }", "Output"),
        State("private partial Output<int> Count { get; }", "Output"));

    [Fact]
    public Task Has_nothing_for_a_generic_class() => FixVerifier.VerifyNoneAsync("FC1001", Source("partial class P<T>"));

    private static string State(string property, string attribute = "State") =>
        $$"""
        using System.Text.Json.Serialization;
        using FastConsumer;

        [JsonSerializable(typeof(int))] partial class Json : JsonSerializerContext;

        [KinesisProcessor("s", JsonContext = typeof(Json))]
        partial class P
        {
            // counts
            [{{attribute}}("count")]
            {{property}}

            [OnRecord] public void Handle(string text) { }
        }

        """;

    private static string Source(string declaration) =>
        $$"""
        using FastConsumer;

        // orders
        [KinesisProcessor("s")]
        {{declaration}}
        {
            [OnRecord] public void Handle(string text) { }
        }

        """;
}
