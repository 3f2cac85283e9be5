using FastConsumer.CompilerTesting.Verification;
using Microsoft.CodeAnalysis;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC5007Tests
{
    private const string State = "[State(\"a\")] partial KeyedState<Total> A { get; }";

    [Theory]
    [InlineData("P a 1 value{Count:int}\n")]
    [InlineData("# a comment\r\nOther b 9 value:int\r\nP a 1 value{Count:int}\r\nP gone 1 value:int\r\n")]
    public async Task A_line_as_it_should_be_is_fine(string file) => Assert.Empty(await FindAsync(State, file));

    [Fact]
    public async Task Without_the_file_nothing_is_reported()
    {
        Assert.Empty(await FindAsync(State, "", "Other.txt"));
        Assert.Single(await FindAsync(State, "", "folder/FastConsumer.State.txt"));
    }

    [Theory]
    [InlineData("", "", "The state 'a' has no line in FastConsumer.State.txt. Add 'P a 1 value{Count:int}'.")]
    [InlineData("P b 1 value{Count:int}", "", "has no line")]
    [InlineData("P a 1 value{Count:long}", "", "Raise StateVersion and add a [StateMigration]")]
    [InlineData("P a 1 value{Count:int}", ", StateVersion = 2", "is of version 1. Replace it by 'P a 2 value{Count:int}'")]
    [InlineData("P a 2 value{Count:int}", "", "has 2 already")]
    public async Task Another_line_or_none_is_reported(string file, string arguments, string message) =>
        Assert.Contains(message, Assert.Single(await FindAsync(State, file, arguments: arguments)), StringComparison.Ordinal);

    [Theory]
    [InlineData("KeyedState<int>", "value:int")]
    [InlineData("KeyedMap<string, Total>", "map[string]{Count:int}")]
    [InlineData("KeyedMap<Color, DateTime?>", "map[enum{Red=0,Green=1}]:System.DateTime?")]
    [InlineData("KeyedList<ImmutableArray<Total>>", "list:System.Collections.Immutable.ImmutableArray<{Count:int}>")]
    [InlineData("KeyedState<Order>", "value{Lines:{Id:string,Next:^Line,_of:^Order}[],Shape:{}|c:{Radius:double},at:long@Ticks}")]
    public async Task The_shape_is_what_JSON_shows(string type, string shape)
    {
        const string Types =
            """
            public sealed record Order
            {
                public Line[] Lines { get; init; } = [];
                [JsonPropertyName("at"), JsonConverter(typeof(Ticks))] public long At { get; init; }
                public Shape? Shape { get; init; }
                [JsonIgnore] public int Ignored { get; init; }
                public static int Static => 1;
                private int Hidden => 1;
            }

            public class LineBase { public string Id { get; init; } = ""; [JsonInclude] internal Order? _of; }
            public sealed class Line : LineBase { public Line? Next { get; init; } }
            [JsonDerivedType(typeof(Circle), "c")] public class Shape;
            public sealed class Circle : Shape { public double Radius { get; init; } }
            public sealed class Ticks : JsonConverter<long>
            {
                public override long Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => reader.GetInt64();
                public override void Write(Utf8JsonWriter writer, long value, JsonSerializerOptions options) =>
                    writer.WriteNumberValue(value);
            }
            """;
        Assert.Contains(
            $"'P a 1 {shape}'",
            Assert.Single(await FindAsync($"[State(\"a\")] partial {type} A {{ get; }}", "", types: Types)),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_serializer_of_the_user_is_named_in_place_of_the_shape() => Assert.Contains(
        "'P a 1 value(Stranger@StrangerSerializer)'",
        Assert.Single(await FindAsync(
            "[State(\"a\"), StateSerializer(typeof(StrangerSerializer))] partial KeyedState<Stranger> A { get; }", "")),
        StringComparison.Ordinal);

    private static async Task<IReadOnlyList<string>> FindAsync(
        string state, string file, string path = "FastConsumer.State.txt", string arguments = "", string types = "")
    {
        string source = "using System.Collections.Immutable;\nusing System.Text.Json;\n"
            + StateSource.Of(StateSource.Handler + state, arguments, types: types)
                .Replace("static class Startup { static void Start() => Host.AddProcessor<P>(); }", "", StringComparison.Ordinal);
        Compilation compilation = GeneratorRun.Of(Compilations.Create(("Test.cs", source))).Output;
        Assert.DoesNotContain(
            compilation.GetDiagnostics(TestContext.Current.CancellationToken),
            diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
        return [.. (await RuleVerifier.AnalyzeAsync(compilation, new TextFile(path, file)))
            .Where(diagnostic => diagnostic.Id == "FC5007")
            .Select(diagnostic => diagnostic.GetMessage(System.Globalization.CultureInfo.InvariantCulture))];
    }
}
