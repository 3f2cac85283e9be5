using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace FastConsumer.Benchmarks.Editor;

/// <summary>A project after an edit of one file.</summary>
internal sealed record Edit(CSharpCompilation Compilation, SyntaxTree Before, SyntaxTree After);

/// <summary>
/// A project of processors, one to a file, as an application has them: JSON payloads with error policies, routes, batches, raw
/// bytes in lanes, services. Their handlers call into files of their own, where exceptions are thrown, caught and filtered.
/// </summary>
internal sealed class EditorSolution
{
    private static readonly CSharpParseOptions s_parse = CSharpParseOptions.Default.WithLanguageVersion(LanguageVersion.Preview);

    private static readonly MetadataReference[] s_references =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(static path => MetadataReference.CreateFromFile(path))];

    private readonly ImmutableArray<SyntaxTree> _trees;

    public EditorSolution(int processors)
    {
        _trees =
        [
            Parse("Usings.cs", Usings),
            Parse("Shared.cs", Shared),
            Parse("Contexts.cs", Contexts(processors)),
            .. Enumerable.Range(0, processors)
                .SelectMany(static i => new[] { Parse(Processor(i), Source(i)), Parse($"Store{Number(i)}.cs", Store(i)) }),
        ];
        Compilation = CSharpCompilation.Create(
            "Editor",
            _trees,
            s_references,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
    }

    /// <summary>The project as it was opened.</summary>
    public CSharpCompilation Compilation { get; }

    public static CSharpParseOptions ParseOptions => s_parse;

    /// <summary>The file of a processor.</summary>
    public static string Processor(int number) => $"Processor{Number(number)}.cs";

    /// <summary>
    /// A project with one file typed into: where <paramref name="before"/> stands, <paramref name="typed"/> comes before it.
    /// </summary>
    public static Edit Type(CSharpCompilation compilation, string path, string before, string typed)
    {
        SyntaxTree old = compilation.SyntaxTrees.Single(tree => tree.FilePath == path);
        SourceText text = old.GetText();
        int place = text.ToString().IndexOf(before, StringComparison.Ordinal);
        if (place < 0)
        {
            throw new InvalidOperationException($"{path} holds no '{before}'.");
        }

        SyntaxTree edited = old.WithChangedText(text.WithChanges(new TextChange(new TextSpan(place, 0), typed)));
        return new Edit(compilation.ReplaceSyntaxTree(old, edited), old, edited);
    }

    private static string Number(int number) => number.ToString("000", CultureInfo.InvariantCulture);

    private static SyntaxTree Parse(string path, string text) =>
        CSharpSyntaxTree.ParseText(SourceText.From(text, Encoding.UTF8), s_parse, path);

    private const string Usings =
        """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Text.Json;
        global using System.Text.Json.Serialization;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using FastConsumer;
        global using Microsoft.Extensions.Logging;
        """;

    private const string Shared =
        """
        namespace Editor;

        public abstract class Event
        {
            public required string Id { get; init; }
            public DateTimeOffset At { get; set; }
            public Money? Price { get; set; }
            public List<Line> Lines { get; } = [];
            public Dictionary<string, string> Headers { get; } = [];
        }

        public sealed class Line
        {
            public int Count { get; set; } public string Sku { get; set; } = ""; public Money Each { get; set; } = new();
        }

        public sealed class Money { public decimal Amount { get; set; } public string Currency { get; set; } = ""; }

        public sealed class StoreException(string message) : Exception(message);

        public interface IOutbox { ValueTask SendAsync(string topic, string key, CancellationToken cancellationToken); }
        """;

    /// <summary>One context for all, finished by hand: the framework's generator is not what is measured.</summary>
    private static string Contexts(int processors)
    {
        var text = new StringBuilder("namespace Editor;\n\n");
        for (int i = 0; i < processors; i++)
        {
            text.Append("[JsonSerializable(typeof(Placed").Append(Number(i)).Append("))]\n");
        }

        return text.Append(
            """
            public partial class EventsJson(JsonSerializerOptions? options) : JsonSerializerContext(options)
            {
                public static EventsJson Default { get; } = new(null);
                protected override JsonSerializerOptions? GeneratedSerializerOptions => null;
                public override System.Text.Json.Serialization.Metadata.JsonTypeInfo? GetTypeInfo(Type type) => null;
            }
            """).ToString();
    }

    private static string Store(int i) =>
        $$"""
        namespace Editor;

        public sealed class Placed{{Number(i)}} : Event
        {
            public string Customer { get; set; } = ""; public Detail{{Number(i)}}? Detail { get; set; }
        }

        public sealed class Detail{{Number(i)}}
        {
            public string Note { get; set; } = ""; public Dictionary<string, Line[]> Groups { get; } = [];
        }

        public sealed class Store{{Number(i)}}(HttpClient http, ILogger log)
        {
            private readonly Dictionary<string, int> _seen = [];

            public async Task SaveAsync(string id, CancellationToken cancellationToken)
            {
                for (int attempt = 0; ; attempt++)
                {
                    try
                    {
                        using HttpResponseMessage response = await http.PostAsync(
                            new Uri("https://example.org/" + Normalize(id)), null, cancellationToken);
                        response.EnsureSuccessStatusCode();
                        return;
                    }
                    catch (HttpRequestException e) when (attempt < 3)
                    {
                        log.LogWarning(e, "Attempt {Attempt} of {Id} failed", attempt, id);
                        await Task.Delay(TimeSpan.FromMilliseconds(100 << attempt), cancellationToken);
                    }
                }
            }

            public int Count(string id)
            {
                _seen[id] = _seen.GetValueOrDefault(id) + 1;
                return _seen[id] > 1_000 ? throw new StoreException($"{id} came too often.") : _seen[id];
            }

            private static string Normalize(string id)
            {
                string trimmed = id.Trim();
                return trimmed.Length == 0
                    ? throw new FormatException("The id is empty.")
                    : string.Concat(trimmed.Select(char.ToLowerInvariant));
            }
        }
        """;

    private static string Source(int i)
    {
        string number = Number(i);
        string policies =
            """
            [OnError(typeof(JsonException), ErrorAction.DeadLetter)]
            [OnError(typeof(FormatException), ErrorAction.Skip)]
            [OnError(typeof(HttpRequestException), ErrorAction.Retry, MaxAttempts = 8, Then = ErrorAction.DeadLetter)]
            [OnError(typeof(StoreException), ErrorAction.Stop)]
            """;
        return (i % 5) switch
        {
            0 =>
                $$"""
                namespace Editor;

                [KinesisProcessor("orders-{{number}}", JsonContext = typeof(EventsJson))]
                {{policies}}
                public sealed partial class Processor{{number}}(Store{{number}} store, ILogger<Processor{{number}}> log)
                {
                    private long _count;

                    [OnRecord]
                    public async ValueTask HandleAsync(Placed{{number}} placed, RecordContext context, CancellationToken cancellationToken)
                    {
                        if (placed.Lines.Count == 0)
                        {
                            log.LogInformation("{Id} is empty", placed.Id);
                            return;
                        }

                        /*here*/
                        _count += store.Count(placed.Id);
                        decimal sum = placed.Lines.Sum(line => line.Count * line.Each.Amount);
                        await store.SaveAsync(placed.Id + sum, cancellationToken);
                    }

                    public long Count => _count;
                    /*elsewhere*/
                }
                """,
            1 =>
                $$"""
                namespace Editor;

                [KinesisProcessor("events-{{number}}", JsonContext = typeof(EventsJson), RouteProperty = "type")]
                {{policies}}
                [Checkpoint(Interval = "00:00:10", Records = 5_000)]
                public sealed partial class Processor{{number}}(Store{{number}} store)
                {
                    [OnRecord(Route = "placed")]
                    public async Task PlacedAsync(Placed{{number}} placed, CancellationToken cancellationToken)
                    {
                        /*here*/
                        await store.SaveAsync(placed.Id, cancellationToken);
                    }

                    [OnRecord(Route = "shipped")]
                    public void Shipped(ReadOnlySpan<byte> json) =>
                        store.Count(json.Length.ToString(System.Globalization.CultureInfo.InvariantCulture));

                    [OnRecord(Route = "cancelled")]
                    public ValueTask CancelledAsync(string text, CancellationToken cancellationToken) =>
                        new(store.SaveAsync(text, cancellationToken));

                    [OnRecord]
                    public void Other(KinesisRecord record) => store.Count(record.PartitionKey);

                    [OnShardStarted]
                    public Task StartAsync(ShardContext shard, CancellationToken cancellationToken) =>
                        store.SaveAsync(shard.ShardId, cancellationToken);
                    /*elsewhere*/
                }
                """,
            2 =>
                $$"""
                namespace Editor;

                [KinesisProcessor("batches-{{number}}", JsonContext = typeof(EventsJson))]
                {{policies}}
                public sealed partial class Processor{{number}}(Store{{number}} store)
                {
                    [OnBatch(MaxRecords = 200, MaxWait = "00:00:02")]
                    public async Task HandleAsync(
                        ReadOnlyMemory<Placed{{number}}> placed, BatchContext context, CancellationToken cancellationToken)
                    {
                        for (int i = 0; i < placed.Length; i++)
                        {
                            Placed{{number}} one = placed.Span[i];
                            try
                            {
                                /*here*/
                                await store.SaveAsync(one.Id, cancellationToken);
                            }
                            catch (StoreException e)
                            {
                                context.Fail(i, e);
                            }
                        }
                    }
                    /*elsewhere*/
                }
                """,
            3 =>
                $$"""
                namespace Editor;

                [KinesisProcessor("clicks-{{number}}")]
                [Concurrency(16)]
                [OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5, Then = ErrorAction.DeadLetter)]
                public sealed partial class Processor{{number}}(Store{{number}} store)
                {
                    [OnRecord]
                    public async ValueTask HandleAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
                    {
                        /*here*/
                        int comma = data.Span.IndexOf((byte)',');
                        await store.SaveAsync(System.Text.Encoding.UTF8.GetString(data.Span[..Math.Max(comma, 0)]), cancellationToken);
                    }
                    /*elsewhere*/
                }
                """,
            _ =>
                $$"""
                namespace Editor;

                [KinesisProcessor("outbox-{{number}}", JsonContext = typeof(EventsJson))]
                {{policies}}
                public sealed partial class Processor{{number}}
                {
                    [OnRecord]
                    public async Task HandleAsync(
                        Placed{{number}} placed,
                        [FromServices] IOutbox outbox,
                        [FromServices] Store{{number}} store,
                        CancellationToken cancellationToken)
                    {
                        store.Count(placed.Id);
                        foreach (Line line in placed.Lines)
                        {
                            /*here*/
                            await outbox.SendAsync("lines", line.Sku, cancellationToken);
                        }

                        await store.SaveAsync(placed.Id, cancellationToken);
                    }

                    [Filter]
                    private static bool IsWanted(Placed{{number}} placed) => placed.Customer.Length > 0;

                    [OnStopping]
                    public void Stop() { }
                    /*elsewhere*/
                }
                """,
        };
    }
}
