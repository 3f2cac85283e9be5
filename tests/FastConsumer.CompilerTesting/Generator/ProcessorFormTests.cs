using FastConsumer.CompilerTesting.Verification;
using Microsoft.CodeAnalysis;

namespace FastConsumer.CompilerTesting.Generator;

/// <summary>
/// The forms that a processor and its payloads may have: each compiles without an error or a warning, nullable on. A form that is
/// refused is reported once, and no second error follows from it.
/// </summary>
public sealed class ProcessorFormTests
{
    [Theory]
    // generic payloads, several forms of one
    [InlineData(
        "public class Envelope<T> { public T? Body { get; set; } }",
        "typeof(Envelope<int>)",
        "[OnRecord] void Handle(Envelope<int> envelope) { }")]
    [InlineData(
        "public record Envelope<T>(T Body) where T : notnull;",
        "typeof(Envelope<Dictionary<string, List<int?>>>)",
        "[OnRecord] ValueTask HandleAsync(Envelope<Dictionary<string, List<int?>>> envelope) => default;")]
    [InlineData(
        "public class Outer<T> { public class Inner<U> { public T? First { get; set; } public U? Second { get; set; } } }",
        "typeof(Outer<string>.Inner<int>)",
        "[OnRecord] void Handle(Outer<string>.Inner<int> inner) { }")]
    // records and structs
    [InlineData("public record Order(string Id, int Count);", "typeof(Order)", "[OnRecord] void Handle(Order order) { }")]
    [InlineData(
        "public sealed record Order(string Id) { public required string Name { get; init; } }",
        "typeof(Order)",
        "[OnRecord] Task HandleAsync(Order order, CancellationToken token) => Task.CompletedTask;")]
    [InlineData("public record struct Order(string Id, int Count);", "typeof(Order)", "[OnRecord] void Handle(Order order) { }")]
    [InlineData("public readonly record struct Order(string Id);", "typeof(Order)", "[OnRecord] void Handle(in Order order) { }")]
    [InlineData(
        "public readonly record struct Order(string Id);", "typeof(Order)", "[OnBatch] void Handle(ReadOnlyMemory<Order> orders) { }")]
    [InlineData("public struct Order { public int Id { get; set; } }", "typeof(Order?)", "[OnRecord] void Handle(Order? order) { }")]
    [InlineData("public enum Kind { None, Some }", "typeof(Kind)", "[OnRecord] void Handle(Kind kind) { }")]
    [InlineData(
        "public interface IShape { } [JsonDerivedType(typeof(Circle))] public abstract class Shape : IShape { } public class Circle : "
            + "Shape { }",
        "typeof(Shape)",
        "[OnRecord] void Handle(Shape shape) { }")]
    // names that are keywords
    [InlineData(
        "public record @struct(int @int);",
        "typeof(@struct), TypeInfoPropertyName = \"Named\"",
        "[OnRecord] void @event(@struct @string, RecordContext @is, CancellationToken @default) { }")]
    [InlineData(
        "namespace @namespace { public record @class; }",
        "typeof(@namespace.@class), TypeInfoPropertyName = \"Named\"",
        "[OnRecord] ValueTask @await(@namespace.@class @async) => default;")]
    public void Payloads(string type, string registered, string handler) => VerifyCompiles(
    [
        ("Json.cs", $$"""using System.Text.Json.Serialization; [JsonSerializable({{registered}})] public partial class Json : JsonSerializerContext { }"""),
        ("Type.cs", "using System.Text.Json.Serialization; " + type),
        ("P.cs",
            $$"""using FastConsumer; [KinesisProcessor("s", JsonContext = typeof(Json))] public sealed partial class P { {{handler}} }"""),
    ]);

    [Theory]
    [InlineData("[KinesisProcessor(\"s\")] partial class P { [OnRecord] void Handle(string text) { } }", "P")]
    [InlineData(
        "namespace A { namespace B.C { [KinesisProcessor(\"s\")] partial class P { [OnRecord] void Handle(string text) { } } } }",
        "A.B.C.P")]
    [InlineData(
        "namespace @event { [KinesisProcessor(\"s\")] partial class @class { [OnRecord] void @event(string text) { } } }", "@event.@class")]
    [InlineData("[KinesisProcessor(\"s\")] sealed partial record P(int Count) { [OnRecord] void Handle(string text) { } }", "P")]
    [InlineData(
        "public partial class Outer { public partial struct Middle { [KinesisProcessor(\"s\")] public partial class P { [OnRecord] void "
            + "Handle(string text) { } } } }",
        "Outer.Middle.P")]
    [InlineData(
        "public partial class Outer { [KinesisProcessor(\"s\")] private protected partial class P { [OnRecord] void Handle(string text) "
            + "{ } } public static void Use() => Host.Add<P>(); }",
        null)]
    [InlineData(
        "partial class P(string name) { string Name => name; } [KinesisProcessor(\"s\")] partial class P { [OnRecord] void Handle(string "
            + "text) { } }",
        "P")]
    // handlers and their bases: an override is a handler of its own, helpers and life cycle members of bases are just there
    [InlineData(
        "abstract class Base<T> { public abstract void Handle(T value); protected static void Help() { } } [KinesisProcessor(\"s\")] "
            + "partial class P : Base<string> { [OnRecord] public override void Handle(string value) => Help(); }",
        "P")]
    [InlineData(
        "class Base { [OnRecord] public virtual void Handle(string text) { } } [KinesisProcessor(\"s\")] partial class P : "
            + "Base { [OnRecord] public override void Handle(string text) => base.Handle(text); }",
        "P")]
    [InlineData(
        "interface IHandler { ValueTask HandleAsync(string text); } [KinesisProcessor(\"s\")] partial class P : "
            + "IHandler { [OnRecord] public ValueTask HandleAsync(string text) => default; }",
        "P")]
    [InlineData("[KinesisProcessor(\"s\")] abstract partial class Unused { } static class Other { }", null, "FC1001", "FC1003")]
    [InlineData("[KinesisProcessor(\"s\")] file partial class P { [OnRecord] void Handle(string text) { } }", null, "FC1001")]
    [InlineData(
        "class Outer { [KinesisProcessor(\"s\")] public partial class P { [OnRecord] void Handle(string text) { } } }", null, "FC1001")]
    [InlineData(
        "class Base { [OnRecord] public void Handle(string text) { } } [KinesisProcessor(\"s\")] partial class P : Base { }",
        "P", "FC1003")]
    [InlineData("[KinesisProcessor(\"s\")] partial class P { [OnRecord] int Handle(string text) => 1; }", "P", "FC1002")]
    [InlineData("[KinesisProcessor(\"s\")] partial class P { [OnRecord] void Handle(Version version) { } }", "P", "FC1005")]
    [InlineData("[KinesisProcessor(\"s\")] partial class P { [OnRecord(Route = \"a\")] void Handle(string text) { } }", "P", "FC1004")]
    [InlineData("[KinesisProcessor(\"two words\")] partial class P { [OnRecord] void Handle(string text) { } }", "P", "FC4001")]
    [InlineData(
        "[KinesisProcessor(\"s\")] [OnError(typeof(string), ErrorAction.Skip)] partial class P { [OnRecord] void Handle(string text) { } }",
        "P", "FC1006")]
    public async Task Classes(string source, string? use, params string[] reported)
    {
        GeneratorRun run = Run(
        [
            ("P.cs", "using FastConsumer; " + source),
            ("Host.cs",
                "static class Host { public static void Add<T>() where T : class, FastConsumer.Processors.IKinesisProcessor<T> { } }"),
            ("Use.cs", use is null ? "" : $$"""static class Use { static void Start() => Host.Add<{{use}}>(); }"""),
        ]);
        IEnumerable<Diagnostic> found = run.CompilerDiagnostics.Concat(await RuleVerifier.AnalyzeAsync(run.Output));

        Assert.Equal(reported.Order(StringComparer.Ordinal), found.Select(diagnostic => diagnostic.Id).Order(StringComparer.Ordinal));
        Assert.Equal(
            reported.Length == 0,
            run.Result.GeneratedSources.Any(
                generated => generated.SourceText.ToString().Contains("CreatePipeline", StringComparison.Ordinal)));
    }

    [Fact]
    public void Parts_in_two_files() => VerifyCompiles(
    [
        ("A.cs", """using FastConsumer; namespace N; [KinesisProcessor("s")] public sealed partial class P(string name) { public string Name => name; }"""),
        ("B.cs", """using FastConsumer; namespace N; partial class P { [OnRecord] void Handle(string text) { } }"""),
        ("C.cs", """using FastConsumer; namespace N; [OnError(typeof(FormatException), ErrorAction.Skip)] partial class P : IDisposable { [OnStopping] void Stop() { } public void Dispose() { } }"""),
    ]);

    private static void VerifyCompiles((string Path, string Text)[] files)
    {
        GeneratorRun run = Run(files);

        Assert.Empty(run.CompilerDiagnostics);
        Assert.Contains("CreatePipeline", Assert.Single(run.Result.GeneratedSources).SourceText.ToString(), StringComparison.Ordinal);
    }

    private static GeneratorRun Run((string Path, string Text)[] files) => GeneratorRun.Of(Compilations.Create(files));
}
