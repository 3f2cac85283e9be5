using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Fixes;

public sealed class FC1005Tests
{
    [Fact]
    public Task Adds_the_type_to_the_context() => FixVerifier.VerifyAsync(
        "FC1005",
        Source("[JsonSerializable(typeof(string))]\n"),
        Source("[JsonSerializable(typeof(string))]\n[JsonSerializable(typeof(Order))]\n"));

    [Fact]
    public Task Has_nothing_without_a_context() => FixVerifier.VerifyNoneAsync(
        "FC1005",
        "using FastConsumer;\nclass Order { }\n[KinesisProcessor(\"s\")] partial class P { [OnRecord] void Handle(Order order) { } }\n");

    [Fact]
    public Task Adds_all_types_at_once() => FixVerifier.VerifyAllAsync(
        "FC1005",
        Several("[JsonSerializable(typeof(string))]\n"),
        Several("[JsonSerializable(typeof(string))]\n[JsonSerializable(typeof(Click))]\n[JsonSerializable(typeof(Order))]\n"));

    private static string Several(string attributes) => Source(attributes).Replace(
        "[OnRecord] void Handle(Order order) { }",
        "[OnRecord(Route = \"a\")] void A(Order order) { } [OnRecord(Route = \"b\")] void B(Click click) { } "
            + "[OnRecord] void C(Order order) { }",
        StringComparison.Ordinal).Replace("typeof(Json))]", "typeof(Json), RouteProperty = \"type\")]", StringComparison.Ordinal)
        + "class Click { public int At { get; set; } }\n";

    private static string Source(string attributes) =>
        $$"""
        using System.Text.Json.Serialization;
        using FastConsumer;

        class Order { public int Id { get; set; } }

        {{attributes}}partial class Json : JsonSerializerContext;

        [KinesisProcessor("s", JsonContext = typeof(Json))]
        partial class P
        {
            [OnRecord] void Handle(Order order) { }
        }

        """;
}
