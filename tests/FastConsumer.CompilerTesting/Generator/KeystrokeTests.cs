using System.Globalization;
using FastConsumer.Analyzers.Reach;
using FastConsumer.CompilerTesting.Verification;
using FastConsumer.SourceGenerator;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastConsumer.CompilerTesting.Generator;

/// <summary>
/// What a keystroke costs in a project of many processors, counted: nothing is written anew, and no rule reads other processors' code.
/// </summary>
public sealed class KeystrokeTests
{
    private const int Processors = 40;

    [Theory]
    [InlineData("File021.cs", "/*in the handler*/", "_ = 1;")]
    [InlineData("File021.cs", "/*beside the handler*/", "private int Added() => 1;")]
    [InlineData("File020.cs", "/*in the handler*/", "_ = 1;")]
    [InlineData("Other.cs", "/*elsewhere*/", "public int Added { get; set; }")]
    public void Nothing_is_written_anew(string path, string place, string typed)
    {
        CSharpCompilation before = Compile();
        GeneratorRun first = GeneratorRun.Of(before);
        GeneratorRun second = first.Again(Type(before, path, place, typed));

        Assert.Equal(Processors, first.Result.GeneratedSources.Length);
        Assert.Equal(
            first.Result.GeneratedSources.Select(source => source.SourceText),
            second.Result.GeneratedSources.Select(source => source.SourceText),
            ReferenceEqualityComparer.Instance);
        Assert.Empty(
            Reasons(second, ProcessorGenerator.ModelStep).Except([IncrementalStepRunReason.Cached, IncrementalStepRunReason.Unchanged]));
        Assert.Equal([IncrementalStepRunReason.Cached], Reasons(second, ProcessorGenerator.ClashStep).Distinct());
        Assert.Equal(
            Enumerable.Repeat(IncrementalStepRunReason.Cached, Processors),
            second.Result.TrackedOutputSteps.SelectMany(pair => pair.Value).SelectMany(run => run.Outputs).Select(output => output.Reason));
    }

    [Fact]
    public void A_changed_signature_writes_one_file_anew()
    {
        CSharpCompilation before = Compile();
        GeneratorRun second = GeneratorRun.Of(before).Again(Type(before, "File021.cs", "/*a parameter*/", ", RecordContext context"));

        Assert.Single(Reasons(second, ProcessorGenerator.ModelStep), reason => reason == IncrementalStepRunReason.Modified);
        Assert.Equal(
            Processors - 1, Reasons(second, ProcessorGenerator.ModelStep).Count(reason => reason == IncrementalStepRunReason.Cached));
        Assert.Single(
            second.Result.TrackedOutputSteps.SelectMany(pair => pair.Value).SelectMany(run => run.Outputs),
            output => output.Reason == IncrementalStepRunReason.Modified);
    }

    [Theory]
    [InlineData("File021.cs", "/*in the handler*/", "P021")]
    [InlineData("File020.cs", "/*in the handler*/", "P020")]
    [InlineData("Other.cs", "/*elsewhere*/", null)]
    public async Task The_rules_read_the_processors_of_the_open_file_only(string path, string place, string? read)
    {
        CSharpCompilation opened = Compile();
        Compilation edited = GeneratorRun.Of(opened).Again(Type(opened, path, place, " ")).Output;
        SyntaxTree tree = edited.SyntaxTrees.Single(candidate => candidate.FilePath == path);
        var probe = new CompilationProbe();
        CompilationWithAnalyzers analysis = edited.WithAnalyzers([.. Verification.Rules.Analyzers, probe]);
        await analysis.GetAnalyzerSyntaxDiagnosticsAsync(tree, TestContext.Current.CancellationToken);
        await analysis.GetAnalyzerSemanticDiagnosticsAsync(
            analysis.Compilation.GetSemanticModel(tree), filterSpan: null, TestContext.Current.CancellationToken);

        Assert.Equal(read is null ? [] : [read], probe.Compilations.SelectMany(ProcessorCode.ReadIn).Select(type => type.Name));
    }

    [Fact]
    public async Task A_build_reads_each_processor_once()
    {
        var probe = new CompilationProbe();
        await GeneratorRun.Of(Compile()).Output
            .WithAnalyzers([.. Verification.Rules.Analyzers, probe])
            .GetAnalyzerDiagnosticsAsync(TestContext.Current.CancellationToken);

        Assert.Equal(Processors, probe.Compilations.SelectMany(ProcessorCode.ReadIn).Count());
    }

    private static IEnumerable<IncrementalStepRunReason> Reasons(GeneratorRun run, string step) =>
        run.Result.TrackedSteps[step].SelectMany(tracked => tracked.Outputs).Select(output => output.Reason);

    private static CSharpCompilation Type(CSharpCompilation compilation, string path, string place, string typed)
    {
        SyntaxTree old = compilation.SyntaxTrees.Single(tree => tree.FilePath == path);
        string text = old.ToString();
        string edited = text.Replace(place, typed + place, StringComparison.Ordinal);
        Assert.NotEqual(text, edited);
        return compilation.ReplaceSyntaxTree(old, Compilations.Parse(path, edited));
    }

    private static CSharpCompilation Compile() => Compilations.Create(
    [
        ("Other.cs",
            """
            using System.Text.Json.Serialization;
            public class Order { public string Id { get; set; } = ""; /*elsewhere*/ }
            [JsonSerializable(typeof(Order))]
            public partial class OrdersJson : JsonSerializerContext { }
            """),
        .. Enumerable.Range(0, Processors).Select(i => ($"File{i.ToString("000", CultureInfo.InvariantCulture)}.cs", Source(i))),
    ]);

    private static string Source(int i)
    {
        string name = "P" + i.ToString("000", CultureInfo.InvariantCulture);
        return i % 2 == 0
            ? $$"""
              using FastConsumer;
              [KinesisProcessor("s", JsonContext = typeof(OrdersJson), RouteProperty = "type")]
              [OnError(typeof(TimeoutException), ErrorAction.Retry)]
              public partial class {{name}}
              {
                  [OnRecord(Route = "a")] void A(Order order) { /*in the handler*/ }
                  [OnRecord] void Rest(KinesisRecord record) { }
              }
              """
            : $$"""
              using FastConsumer;
              [KinesisProcessor("s")]
              public partial class {{name}}
              {
                  [OnRecord]
                  void Handle(ReadOnlySpan<byte> data/*a parameter*/)
                  {
                      /*in the handler*/
                      Other(data.Length);
                  }

                  /*beside the handler*/
                  private static void Other(int length) => Console.WriteLine(length);
              }
              """;
    }
}
