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
