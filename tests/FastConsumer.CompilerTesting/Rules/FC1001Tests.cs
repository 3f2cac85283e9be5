using FastConsumer.CompilerTesting.Verification;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC1001Tests
{
    [Theory]
    [InlineData("public sealed partial class P")]
    [InlineData("internal partial record P")]
    [InlineData("public partial class P() : System.IO.MemoryStream, ICloneable { object ICloneable.Clone() => this; } partial class P")]
    public Task A_partial_class_is_fine(string declaration) => RuleVerifier.VerifyAsync("FC1001", Processor(declaration) + Use("P"));

    [Theory]
    [InlineData("public abstract partial class [|P|]", "P")]
    [InlineData("public partial class [|P|]<T>", "P<int>")]
    public Task A_class_that_cannot_be_created_is_reported_and_its_use_is_no_second_error(string declaration, string use) =>
        RuleVerifier.VerifyAsync("FC1001", Processor(declaration) + Use(use));

    [Theory]
    [InlineData("public class [|P|]")]
    [InlineData("public record [|P|]")]
    [InlineData("file partial class [|P|]")]
    public Task A_class_that_cannot_be_added_to_is_reported(string declaration) =>
        RuleVerifier.VerifyAsync("FC1001", Processor(declaration));

    [Fact]
    public Task A_static_class_is_reported() => RuleVerifier.VerifyAsync(
        "FC1001",
        """
        using FastConsumer;
        [KinesisProcessor("s")]
        public static partial class [|P|] { [OnRecord] public static void Handle(string text) { } }
        """);

    [Fact]
    public async Task Each_type_around_the_class_must_be_partial_too()
    {
        IReadOnlyList<string> messages = await RuleVerifier.VerifyAsync(
            "FC1001",
            """
            using FastConsumer;
            public class Outer
            {
                public partial struct Inner
                {
                    [KinesisProcessor("s")]
                    public sealed partial class [|P|] { [OnRecord] public void Handle(string text) { } }
                }
            }
            """);

        Assert.Contains("'Outer' contains the processor 'Outer.Inner.P'", Assert.Single(messages), StringComparison.Ordinal);
    }

    [Fact]
    public Task A_generic_type_around_the_class_is_reported_and_its_use_is_no_second_error() => RuleVerifier.VerifyAsync(
        "FC1001",
        """
        using FastConsumer;
        public partial class Outer<@class>
        {
            [KinesisProcessor("s")]
            public sealed partial class [|P|] { [OnRecord] public void Handle(string text) { } }
        }
        """ + Use("Outer<int>.P"));

    [Theory]
    [InlineData("private P() { }")]
    [InlineData("private P(int a) { } protected P() { }")]
    public Task Without_a_constructor_that_others_may_call_it_is_reported(string constructor) => RuleVerifier.VerifyAsync(
        "FC1001",
        Processor("partial class [|P|]").Replace("{ [OnRecord]", $"{{ {constructor} [OnRecord]", StringComparison.Ordinal));

    [Theory]
    [InlineData("private P(int a) { } public P() { }")]
    [InlineData("internal P() { }")]
    public Task With_one_it_is_fine(string constructor) => RuleVerifier.VerifyAsync(
        "FC1001",
        Processor("partial class P").Replace("{ [OnRecord]", $"{{ {constructor} [OnRecord]", StringComparison.Ordinal));

    [Theory]
    [InlineData(LanguageVersion.CSharp10, "compiled as C# 10.0")]
    [InlineData(LanguageVersion.CSharp9, "compiled as C# 9.0")]
    [InlineData(LanguageVersion.CSharp11, null)]
    public async Task An_older_language_is_reported_and_nothing_generated(LanguageVersion version, string? message)
    {
        CSharpParseOptions options = Compilations.ParseOptions.WithLanguageVersion(version);
        CSharpCompilation compilation = Compilations.Create(("Test.cs", ""));
        compilation = compilation.RemoveAllSyntaxTrees().AddSyntaxTrees(CSharpSyntaxTree.ParseText(
            "using FastConsumer; [KinesisProcessor(\"s\")] partial class P { [OnRecord] public void Handle(string text) { } }",
            options,
            cancellationToken: TestContext.Current.CancellationToken));
        GeneratorRun run = GeneratorRun.Of(compilation, options);

        Assert.DoesNotContain(run.CompilerDiagnostics, diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
        IReadOnlyList<Diagnostic> found = await RuleVerifier.AnalyzeAsync(run.Output);
        Assert.Equal(message is null ? [] : ["FC1001"], found.Select(diagnostic => diagnostic.Id));
        Assert.All(found, diagnostic => Assert.Contains(
            message!, diagnostic.GetMessage(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_message_names_the_class_and_the_remedy() =>
        Assert.Equal(
            ["'P' is a processor, so it must be partial: the generator adds its pipeline to it. Add 'partial'."],
            await RuleVerifier.VerifyAsync("FC1001", Processor("class [|P|]")));

    [Theory]
    [InlineData("[State(\"a\")] KeyedState<Total> [|A|] => null!;", "must be partial, with a getter and no body")]
    [InlineData(
        "[State(\"a\")] private KeyedState<Total> [|A|] { get; set; } = null!;", "Write it as 'partial KeyedState<Total> A { get; }'")]
    public async Task A_state_that_is_not_partial_is_reported(string state, string message) => Assert.Contains(
        message,
        Assert.Single(await RuleVerifier.VerifyAsync("FC1001", StateSource.Of(StateSource.Handler + state))),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("[Output(\"a\")] Output<Row> [|A|] => null!;", "'A' is an output, so it must be partial, with a getter and no body")]
    [InlineData("[Output(\"a\")] private Output<Row> [|A|] { get; set; } = null!;", "Write it as 'partial Output<Row> A { get; }'")]
    public async Task An_output_that_is_not_partial_is_reported(string output, string message) => Assert.Contains(
        message,
        Assert.Single(await RuleVerifier.VerifyAsync("FC1001", StateSource.Of(StateSource.Handler + output))),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("[State(\"a\")] partial KeyedState<Total> A { get; }", "The state 'A'")]
    [InlineData("[Output(\"a\")] partial Output<Row> A { get; }", "The output 'A'")]
    public async Task A_state_or_output_needs_the_language_that_brought_partial_properties(string property, string subject)
    {
        CSharpParseOptions options = Compilations.ParseOptions.WithLanguageVersion(LanguageVersion.CSharp12);
        string source = StateSource.Of(StateSource.Handler + property);
        CancellationToken token = TestContext.Current.CancellationToken;
        CSharpCompilation compilation = Compilations.Create();
        compilation = compilation.RemoveAllSyntaxTrees().AddSyntaxTrees(
            CSharpSyntaxTree.ParseText(source, options, "Test.cs", cancellationToken: token),
            CSharpSyntaxTree.ParseText(Compilations.ImplicitUsings, options, "Usings.cs", cancellationToken: token));

        Diagnostic finding = Assert.Single(
            await RuleVerifier.AnalyzeAsync(GeneratorRun.Of(compilation, options).Output), diagnostic => diagnostic.Id == "FC1001");

        Assert.Contains(
            $"{subject} is compiled as C# 12.0, but it is a partial property",
            finding.GetMessage(System.Globalization.CultureInfo.InvariantCulture),
            StringComparison.Ordinal);
    }

    private static string Processor(string declaration) =>
        $$"""
        using FastConsumer;
        [KinesisProcessor("s")]
        {{declaration}} { [OnRecord] public void Handle(string text) { } }

        """;

    private static string Use(string type) => $$"""static class Startup { static void Start() => Host.AddProcessor<{{type}}>(); }""";
}
