using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Fixes;

public sealed class FC5003Tests
{
    [Fact]
    public Task Adds_the_type_of_a_state_to_the_context() => FixVerifier.VerifyAsync(
        "FC5003", Source("partial KeyedMap<int, Total> A { get; }", ""), Source(
            "partial KeyedMap<int, Total> A { get; }", "[JsonSerializable(typeof(Total))]\n"));

    [Fact]
    public Task Adds_the_types_of_states_and_migrations_at_once()
    {
        const string Members = "partial KeyedState<Total> A { get; } [StateMigration(\"a\", From = 1)] static Total M(Old old) => default;";
        return FixVerifier.VerifyAllAsync(
            "FC5003", Source(Members, ""), Source(Members, "[JsonSerializable(typeof(Old))]\n[JsonSerializable(typeof(Total))]\n"));
    }

    private static string Source(string members, string attributes) =>
        $$"""
        using System.Text.Json.Serialization;
        using FastConsumer;

        public readonly record struct Total(int Count);
        public sealed record Old(int Count);

        [JsonSerializable(typeof(string))]
        {{attributes}}partial class Json : JsonSerializerContext;

        [KinesisProcessor("s", JsonContext = typeof(Json), StateVersion = 2)]
        partial class P
        {
            [OnRecord] void Handle(string text) { }
            [State("a")] {{members}}
        }

        """;
}
