using FastConsumer.CompilerTesting.Verification;
using Microsoft.CodeAnalysis.CSharp;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC1005Tests
{
    [Theory]
    [InlineData("Registered", "Registered")]
    [InlineData("Registered", "Property")]
    [InlineData("Registered", "Element[]")]
    [InlineData("Registered", "Element")]
    [InlineData("Registered", "ValueTuple<int, Argument>")]
    [InlineData("List<(int A, string? B)>", "List<(int, string)>")]
    [InlineData("Registered", "Value?")]
    [InlineData("Registered", "Value")]
    [InlineData("Derived", "Property")]
    [InlineData("Registered", "Sometimes")]
    [InlineData("Registered", "Included")]
    [InlineData("Registered", "Field")]
    [InlineData("Shape", "Circle")]
    [InlineData("Elements", "Element")]
    [InlineData("Dictionary<string, List<Element>>", "Element")]
    public Task Registered_and_reachable_types_are_fine(string registered, string payload) =>
        RuleVerifier.VerifyAsync("FC1005", Processor(registered, $"{payload} payload"));

    [Theory]
    [InlineData("Registered", "Stranger", "'Json' does not know Stranger. Add [JsonSerializable(typeof(Stranger))] to it")]
    [InlineData("Registered", "List<Registered>", "does not know System.Collections.Generic.List<Registered>")]
    [InlineData("Element", "IDisposable", "[FromServices]")]
    [InlineData("Derived", "Basis", "does not know Basis")]
    [InlineData("Registered", "Ignored", "does not know Ignored")]
    [InlineData("Registered", "Private", "does not know Private")]
    [InlineData("Registered", "Unused", "does not know Unused")]
    public async Task Unknown_types_are_reported(string registered, string payload, string message) =>
        Assert.Contains(
            message,
            Assert.Single(await RuleVerifier.VerifyAsync("FC1005", Processor(registered, $"{payload} [|payload|]"))),
            StringComparison.Ordinal);

    /// <summary>The framework's own JSON generator never ends on such a type, so this runs without it.</summary>
    [Fact]
    public async Task A_type_that_nests_itself_for_ever_is_given_up()
    {
        CSharpCompilation compilation = Compilations.Create(("Test.cs",
            """
            using System.Text.Json.Serialization;
            using FastConsumer;
            public class Endless<T> { public Endless<Endless<T>>? Next { get; set; } }
            [JsonSerializable(typeof(Endless<int>))] public partial class Json : JsonSerializerContext { }
            [KinesisProcessor("s", JsonContext = typeof(Json))] partial class P { [OnRecord] void Handle(Version version) { } }
            """));

        Assert.Empty(await RuleVerifier.AnalyzeAsync(compilation));
    }

    [Fact]
    public async Task Payloads_of_batches_count_too() => Assert.Single(await RuleVerifier.VerifyAsync(
        "FC1005",
        """
        using FastConsumer;
        [KinesisProcessor("s")]
        partial class P { [OnBatch] void Handle(ReadOnlyMemory<Version> [|versions|]) { } }
        static class Startup { static void Start() => Host.AddProcessor<P>(); }
        """));

    [Fact]
    public async Task A_processor_without_a_context_is_reported() => Assert.Contains(
        "names no JsonContext",
        Assert.Single(await RuleVerifier.VerifyAsync(
            "FC1005",
            """
            using FastConsumer;
            [KinesisProcessor("s")]
            partial class P { [OnRecord] void Handle(Version [|version|]) { } }
            static class Startup { static void Start() => Host.AddProcessor<P>(); }
            """)),
        StringComparison.Ordinal);

    [Fact]
    public async Task What_is_no_context_is_reported() => Assert.Contains(
        "'string' is no context",
        Assert.Single(await RuleVerifier.VerifyAsync(
            "FC1005",
            """
            using FastConsumer;
            [KinesisProcessor("s", [|JsonContext = typeof(string)|])]
            partial class P { [OnRecord] void Handle(string text) { } }
            static class Startup { static void Start() => Host.AddProcessor<P>(); }
            """)),
        StringComparison.Ordinal);

    [Fact]
    public async Task A_state_without_a_context_or_a_serializer_is_reported_with_both_ways()
    {
        string message = Assert.Single(await RuleVerifier.VerifyAsync("FC1005", StateSource.Of(
            StateSource.Handler + "[State(\"a\")] partial KeyedState<Total> [|A|] { get; }").Replace(
            ", JsonContext = typeof(Json)", "", StringComparison.Ordinal)));

        Assert.Contains("Set JsonContext = typeof(...) to a JsonSerializerContext with [JsonSerializable(typeof(Total))]", message,
            StringComparison.Ordinal);
        Assert.Contains("or name a serializer: [StateSerializer(typeof(...))]", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_older_type_without_a_context_is_reported() => Assert.Contains(
        "or implement IStateSerializer<Old> in StrangerSerializer too",
        Assert.Single(await RuleVerifier.VerifyAsync("FC1005", StateSource.Of(
            StateSource.Handler + "[State(\"a\"), StateSerializer(typeof(StrangerSerializer))] partial KeyedState<Stranger> A { get; } "
                + "[StateMigration(\"a\", From = 1)] static Stranger M(Old [|old|]) => new(1);").Replace(
            ", JsonContext = typeof(Json)", ", StateVersion = 2", StringComparison.Ordinal))),
        StringComparison.Ordinal);

    [Fact]
    public Task A_state_with_a_serializer_needs_no_context() => RuleVerifier.VerifyAsync("FC1005", StateSource.Of(
        StateSource.Handler
            + "[State(\"a\"), StateSerializer(typeof(StrangerSerializer))] partial KeyedState<Stranger> A { get; }").Replace(
        ", JsonContext = typeof(Json)", "", StringComparison.Ordinal));


    private static string Processor(string registered, string parameter) =>
        $$"""
        using System.Text.Json.Serialization;
        using FastConsumer;

        public class Registered
        {
            public Property? Property { get; set; }
            public Element[]? Elements { get; set; }
            public (int Number, Argument Argument) Pair { get; set; }
            public Value? Value { get; set; }
            public Registered? Again { get; set; }
            public Field? Field;
            [JsonIgnore] public Ignored? Ignored { get; set; }
            [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public Sometimes? Sometimes { get; set; }
            [JsonInclude] internal Included? Included { get; set; }
            private Private? Private { get; set; }
            public Generic<Unused>? Generic { get; set; }
        }

        public class Derived : Basis { }
        public class Basis { public Property? Property { get; set; } }
        public class Property { }
        public class Field { }
        public class Ignored { }
        public class Sometimes { }
        public class Included { }
        public class Private { }
        public class Unused { }
        public class Generic<T> { }
        public class Element { }
        public class Argument { }
        public struct Value { }
        public class Elements : List<Element> { }
        public class Stranger { public static Registered? Registered { get; set; } }

        [JsonDerivedType(typeof(Circle), "circle")]
        public class Shape { }
        public class Circle : Shape { }

        [JsonSerializable(typeof({{registered}}))]
        public partial class Json : JsonSerializerContext { }

        [KinesisProcessor("s", JsonContext = typeof(Json))]
        partial class P { [OnRecord] void Handle({{parameter}}) { } }

        static class Startup { static void Start() => Host.AddProcessor<P>(); }
        """;
}
