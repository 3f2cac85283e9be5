using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Generator;

/// <summary>Sources around which generated code could stumble: it compiles without errors and warnings all the same.</summary>
public sealed class GeneratedCodeTests
{
    [Theory]
    // names that a careless generator would pick itself
    [InlineData("[OnRecord(Route = \"1\")] void Handle(string cursor) { } [OnRecord(Route = \"2\")] void Handle(KinesisRecord payload) { } "
        + "[OnRecord(Route = \"3\")] void Handle_2(string reader) { }")]
    [InlineData("[OnRecord(Route = \"1\")] void Run(ReadOnlySpan<byte> a, [FromServices] global::System.Text.Encoding scope) { } "
        + "[OnRecord(Route = \"2\")] Task RunAsync(ReadOnlySpan<byte> a, [FromServices] global::System.Text.Encoding b) => "
        + "Task.CompletedTask; [OnRecord(Route = \"3\")] void RunInScopeAsync(string text) { }")]
    [InlineData("[OnRecord(Route = \"1\")] void RunAsync(string text) { } [OnRecord(Route = \"2\")] void ContinueAsync(string text) { } "
        + "[OnRecord(Route = \"3\")] Task ChooseRoute(string text) => Task.CompletedTask; [OnRecord] void Unmatched(string text) { }")]
    [InlineData("object Definition = new(); class GeneratedPipeline { } class GeneratedPipeline_ { } class System { } class FastConsumer "
        + "{ } string _processor = \"\"; [OnRecord(Route = \"1\")] void Handle(string text) => _processor += Definition;")]
    // payloads of every kind of type
    [InlineData("private class Inner { public int A { get; set; } } "
        + "[OnRecord(Route = \"1\")] void Handle([Deserializer(typeof(InnerReader))] Inner inner) { } class InnerReader : "
        + "IRecordDeserializer<Inner> { public Inner Deserialize(KinesisRecord record) => new(); }")]
    [InlineData("[OnRecord(Route = \"1\")] void A((int First, string Second) tuple) { } [OnRecord(Route = \"2\")] void B(int? number) { } "
        + "[OnRecord(Route = \"3\")] void C(Old[] old) { } [OnRecord(Route = \"4\")] void D(Dictionary<string, Old?>? map) { } "
        + "[OnRecord(Route = \"5\")] void E(DayOfWeek day) { }")]
    [InlineData("\n#nullable disable\n[OnRecord(Route = \"1\")] void A(List<string> list, [FromServices] global::System.Text.Encoding "
        + "encoding) { }\n#nullable restore\n")]
    [InlineData("[OnRecord(Route = \"1\")] partial void A(string text); partial void A(string text) { }")]
    [InlineData(
        "[OnRecord(Route = \"1\")] ValueTask A(in KinesisRecord record, in RecordContext context, in CancellationToken token) => default;")]
    public void Compiles(string members)
    {
        GeneratorRun run = GeneratorRun.Of(Compilations.Create(("Test.cs", Source(members))));

        Assert.Empty(run.CompilerDiagnostics);
        Assert.Contains("CreatePipeline", Assert.Single(run.Result.GeneratedSources).SourceText.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_processor_may_derive_from_another()
    {
        GeneratorRun run = GeneratorRun.Of(Compilations.Create(("Test.cs",
            """
            using FastConsumer;
            [KinesisProcessor("s")] partial class First { [OnRecord] void Handle(string text) { } }
            [KinesisProcessor("s")] partial class Second : First { [OnRecord] void Handle(string text) { } [OnStopping] void Stop() { } }
            """)));

        Assert.Empty(run.CompilerDiagnostics);
        Assert.Equal(2, run.Result.GeneratedSources.Length);
    }

    [Theory]
    [InlineData("[OnBatch] void Handle(ReadOnlyMemory<List<string>?> batch) { }")]
    [InlineData("[OnBatch] void Handle(ReadOnlyMemory<string?> batch) { }")]
    [InlineData("[OnBatch] void Handle(ReadOnlyMemory<int?> batch) { }")]
    [InlineData(
        "[OnBatch] void Handle(ReadOnlyMemory<List<string>?> batch) { } [Filter] static bool Take(List<string>? one) => one is not null;")]
    [InlineData("[OnRecord] void Handle(List<string>? list) { }")]
    public void Payloads_may_be_nullable(string members)
    {
        GeneratorRun run = GeneratorRun.Of(
            Compilations.Create(("Test.cs", Source(members).Replace("RouteProperty = \"kind\", ", "", StringComparison.Ordinal))));

        Assert.Empty(run.CompilerDiagnostics);
    }

    [Fact]
    public void Life_cycle_methods_of_bases_are_called()
    {
        GeneratorRun run = GeneratorRun.Of(Compilations.Create(("Test.cs",
            """
            using FastConsumer;
            abstract class First
            {
                [OnShardStarted] protected internal Task StartAsync() => Task.CompletedTask; [OnStopping] protected virtual void Stop() { }
                [OnLeaseLost] protected static void Lost(ShardContext shard) { }
            }
            abstract class Second<T> : First
            {
                [OnShardEnded] private protected ValueTask EndAsync(CancellationToken token) => default; protected override void Stop() { }
            }
            [KinesisProcessor("s")] partial class P : Second<int> { [OnRecord] void Handle(string text) { } }
            """)));

        Assert.Empty(run.CompilerDiagnostics);
        string text = Assert.Single(run.Result.GeneratedSources).SourceText.ToString();
        Assert.All(
            ["_processor.StartAsync()", "_processor.Stop()", "_processor.EndAsync(cancellationToken)", "P.Lost(context)"],
            call => Assert.Contains(call, text, StringComparison.Ordinal));
    }

    private static string Source(string members) =>
        $$"""
        using System.Text.Json.Serialization;
        using FastConsumer;

        namespace Some.System.FastConsumer
        {
            #pragma warning disable CS0612 // the user's own use of an obsolete type
            [Obsolete]
            public class Old { }

            [JsonSerializable(typeof((int First, string Second)))]
            [JsonSerializable(typeof(int?))]
            [JsonSerializable(typeof(Old[]))]
            [JsonSerializable(typeof(Dictionary<string, Old?>))]
            [JsonSerializable(typeof(List<string>))]
            [JsonSerializable(typeof(DayOfWeek))]
            internal partial class Json : JsonSerializerContext { }

            [KinesisProcessor("s", RouteProperty = "kind", JsonContext = typeof(Json))]
            sealed partial class P { {{members}} }
            #pragma warning restore CS0612
        }
        """;
}
