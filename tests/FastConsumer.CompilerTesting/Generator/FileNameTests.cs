using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Generator;

public sealed class FileNameTests
{
    [Fact]
    public void Classes_that_differ_in_case_or_arity_or_nesting_have_files_of_their_own()
    {
        GeneratorRun run = GeneratorRun.Of(Compilations.Create(("Test.cs",
            """
            using FastConsumer;
            namespace N
            {
                [KinesisProcessor("s")] partial class Orders { [OnRecord] void Handle(string text) { } }
                [KinesisProcessor("s")] partial class orders { [OnRecord] void Handle(string text) { } }
                partial class Outer { [KinesisProcessor("s")] partial class Orders { [OnRecord] void Handle(string text) { } } }
                partial class Outer<T> { [KinesisProcessor("s")] partial class Orders { [OnRecord] void Handle(string text) { } } }
            }
            """)));

        Assert.DoesNotContain(run.CompilerDiagnostics, diagnostic => diagnostic.Id != "CS8981");
        Assert.Equal(
            ["N.Orders.9da3e444.g.cs", "N.Outer(1).Orders.g.cs", "N.Outer.Orders.g.cs", "N.orders.cce51264.g.cs"],
            run.Result.GeneratedSources.Select(source => source.HintName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void An_attribute_on_two_parts_is_the_compiler_s_error_only()
    {
        GeneratorRun run = GeneratorRun.Of(Compilations.Create(("Test.cs",
            """
            using FastConsumer;
            [KinesisProcessor("s")] partial class P { [OnRecord] void Handle(string text) { } }
            [KinesisProcessor("s")] partial class P { }
            """)));

        Assert.Equal("CS0579", Assert.Single(run.CompilerDiagnostics).Id);
        Assert.Single(run.Result.GeneratedSources);
    }
}
