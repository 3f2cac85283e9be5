using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC5009Tests
{
    [Theory]
    [InlineData("Rows.Add(context, new Row(text, [|DateTimeOffset.UtcNow|]));")]
    [InlineData("Rows.Add(context, new Row(text, [|DateTimeOffset.Now|].AddHours(1)));")]
    [InlineData("Rows.Add(context, new Row(text, [|DateTime.Now|]));")]
    [InlineData("Rows.Add(context, new Row(text, [|DateTime.UtcNow|].Date));")]
    [InlineData("Rows.Add(context, new Row(text, [|DateTime.Today|]));")]
    [InlineData("Rows.Add(context, new Row(text) { At = [|DateTimeOffset.UtcNow|] });")]
    [InlineData("Rows.Add(context, new Row(text) with { At = [|DateTimeOffset.UtcNow|] });")]
    [InlineData("Rows.Add(context, new Row([|Guid.NewGuid()|].ToString()));")]
    [InlineData("Rows.Add(context, new Row($\"{text}-{[|Guid.CreateVersion7()|]:N}\"));")]
    [InlineData("Rows.Add(context, new Row([|Guid.NewGuid()|].ToString(), [|DateTimeOffset.UtcNow|]));")]
    [InlineData("Numbers.Add(context, [|Random.Shared|].Next());")]
    [InlineData("Numbers.Add(context, [|new Random()|].Next());")]
    [InlineData("Numbers.Add(context, [|Environment.TickCount|]);")]
    [InlineData("Numbers.Add(context, [|Environment.TickCount64|]);")]
    [InlineData("Numbers.Add(context, [|Stopwatch.GetTimestamp()|]);")]
    [InlineData("Numbers.Add(context, (long)[|Stopwatch.GetElapsedTime(1)|].TotalSeconds);")]
    [InlineData("var watch = Stopwatch.StartNew(); Numbers.Add(context, [|watch.ElapsedMilliseconds|]);")]
    [InlineData("Numbers.Add(context, [|clock.GetTimestamp()|]);")]
    [InlineData("Rows.Add(context, new Row(text, [|clock.GetUtcNow()|]));")]
    [InlineData("Rows.Add(context, new Row(text, [|new Clock().GetLocalNow()|]));")]
    [InlineData("Rows.Add(context, new Row(text, [|TimeProvider.System.GetUtcNow()|]));")]
    [InlineData("Numbers.Add(context, [|RandomNumberGenerator.GetInt32(6)|]);")]
    [InlineData("Rows.Add(context, new Row(Convert.ToHexString([|RandomNumberGenerator.GetBytes(6)|])));")]
    [InlineData("Rows.Add(value: new Row(text, [|DateTimeOffset.UtcNow|]), context: context);")]
    [InlineData("Rows.Add(context, text == \"\" ? new Row(text) : new Row(text, [|DateTimeOffset.UtcNow|]));")]
    [InlineData("foreach (string part in text.Split(',')) { this.Rows.Add(context, new Row(part, [|clock.GetUtcNow()|])); }")]
    [InlineData("Numbers.Add(context, [|Environment.TickCount64|] > 5 ? 1 : 0);")]
    public Task Time_and_chance_in_what_is_added_are_reported(string body) => RuleVerifier.VerifyBodyAsync("FC5009", Source(body));

    [Theory]
    [InlineData("DateTimeOffset now = DateTimeOffset.UtcNow; Rows.Add(context, new Row(text, [|now|]));")]
    [InlineData("var id = Guid.NewGuid().ToString(); Rows.Add(context, new Row([|id|]));")]
    [InlineData("var row = new Row(text, clock.GetUtcNow()); Rows.Add(context, [|row|]);")]
    [InlineData("var now = clock.GetUtcNow(); var row = new Row(text, now); Rows.Add(context, [|row|]);")]
    [InlineData("var now = clock.GetUtcNow(); now = now.AddDays(1); Rows.Add(context, new Row(text, [|now|]));")]
    [InlineData("var random = new Random(); Numbers.Add(context, [|random|].Next());")]
    [InlineData("var now = clock.GetUtcNow(); text.Split(',').ToList().ForEach(part => Rows.Add(context, new Row(part, [|now|])));")]
    [InlineData("var start = Stopwatch.GetTimestamp(); await Task.Yield(); Numbers.Add(context, [|start|]);")]
    [InlineData("Func<Guid> next = Guid.NewGuid; Rows.Add(context, new Row([|next|]().ToString()));")]
    [InlineData("var isLate = clock.GetUtcNow() - context.ApproximateArrivalTimestamp > TimeSpan.FromHours(1); "
        + "Numbers.Add(context, [|isLate|] ? 1 : 0);")]
    public Task A_local_that_was_declared_with_it_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC5009", Source(body));

    [Theory]
    [InlineData("Rows.Add(context, new Row(text, context.ApproximateArrivalTimestamp));")]
    [InlineData("var at = context.ApproximateArrivalTimestamp.AddHours(1); Rows.Add(context, new Row(text, at));")]
    [InlineData("Rows.Add(context, new Row($\"{context.SequenceNumber}-{context.SubSequenceNumber}\"));")]
    [InlineData("Rows.Add(context, new Row(text, new DateTimeOffset(2026, 12, 2, 0, 0, 0, TimeSpan.Zero)));")]
    [InlineData("Rows.Add(context, new Row(text, DateTimeOffset.UnixEpoch)); Rows.Add(context, new Row(text, DateTime.Parse(text)));")]
    [InlineData("Rows.Add(context, new Row(new Guid(text).ToString())); Rows.Add(context, new Row(Guid.Empty.ToString()));")]
    [InlineData("Numbers.Add(context, new Random(text.Length).Next());")]
    [InlineData("Rows.Add(context, new Row(nameof(DateTime.UtcNow)));")]
    [InlineData("Rows.Add(context, new Row(Environment.MachineName));")]
    public Task What_the_record_or_the_program_says_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC5009", Source(body));

    [Theory]
    [InlineData("log.LogInformation(\"{At}\", DateTimeOffset.UtcNow); Rows.Add(context, new Row(text));")]
    [InlineData("var start = clock.GetTimestamp(); Rows.Add(context, new Row(text)); "
        + "log.LogInformation(\"{Took}\", clock.GetElapsedTime(start));")]
    [InlineData("var now = clock.GetUtcNow(); log.LogInformation(\"{At}\", now); Rows.Add(context, new Row(text));")]
    [InlineData("using var scope = log.BeginScope(Guid.NewGuid()); Rows.Add(context, new Row(text));")]
    [InlineData("if (context.ApproximateArrivalTimestamp < DateTimeOffset.UtcNow.AddDays(-1)) return; Rows.Add(context, new Row(text));")]
    [InlineData("_rows.Insert(0, new Row(text, DateTimeOffset.UtcNow));")]
    [InlineData("var now = clock.GetUtcNow(); now = context.ApproximateArrivalTimestamp; Rows.Add(context, new Row(text, now));")]
    [InlineData("var at = DateTimeOffset.UtcNow; DateTimeOffset.TryParse(text, out at); Rows.Add(context, new Row(text, at));")]
    [InlineData("var row = await LoadAsync(text, DateTimeOffset.UtcNow, token); Rows.Add(context, row);")]
    public Task What_is_not_part_of_the_value_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC5009", Source(body));

    [Fact]
    public Task A_method_that_a_handler_calls_is_looked_at() => RuleVerifier.VerifyBodyAsync("FC5009", Source(
        "Note(context, text);",
        "void Note(in RecordContext context, string text) => Rows.Add(context, new Row(text, [|clock.GetUtcNow()|]));"));

    [Fact]
    public Task A_batch_is_looked_at() => RuleVerifier.VerifyBodyAsync("FC5009", Source("").Replace(
        "[OnRecord] async Task Handle(",
        "[OnBatch] void HandleAll(ReadOnlyMemory<string> texts, BatchContext context) { for (int i = 0; i < texts.Length; i++) { "
            + "Rows.Add(context, i, new Row(texts.Span[i], [|clock.GetUtcNow()|])); } } async Task Handle(",
        StringComparison.Ordinal));

    [Fact]
    public Task State_is_no_output() => RuleVerifier.VerifyBodyAsync("FC5009", Source(
        "Marks.Of(context).Add(new Mark(clock.GetUtcNow()));",
        "[State(\"m\"), StateSerializer(typeof(MarkSerializer))] partial KeyedList<Mark> Marks { get; }",
        "public readonly record struct Mark(DateTimeOffset At); public class MarkSerializer : IStateSerializer<Mark> { "
            + "public void Write(Mark value, IBufferWriter<byte> output) { } public Mark Read(ReadOnlySpan<byte> bytes) => default; }"));

    [Theory]
    [InlineData("Rows.Add(context, new Row(text, [|DateTimeOffset.UtcNow|]));",
        "'DateTimeOffset.UtcNow' is another one each time: after a crash the record is handled again, and what is added to 'Rows' would "
            + "differ from what the sink has. Take a time of the record")]
    [InlineData("var id = $\"{Guid.NewGuid()}\"; Rows.Add(context, new Row([|id|]));",
        "'id' is made of 'Guid.NewGuid', which is another one each time")]
    [InlineData("Numbers.Add(context, [|new Random()|].Next());", "Make it of the record: of an id in it, or of its position")]
    public async Task The_message_says_what_happens_and_what_to_do(string body, string message) => Assert.Contains(
        message, Assert.Single(await RuleVerifier.VerifyBodyAsync("FC5009", Source(body))), StringComparison.Ordinal);

    private static string Source(string body, string members = "", string types = "") => StateSource.Of(
        $$"""
        readonly TimeProvider clock = TimeProvider.System; readonly ILogger log = null!; readonly List<Row> _rows = [];
        [Output("a")] partial Output<Row> Rows { get; } [Output("n")] partial Output<long> Numbers { get; }
        [OnRecord] async Task Handle(string text, RecordContext context, CancellationToken token) { await Task.CompletedTask; {{body}} }
        Task<Row> LoadAsync(string id, DateTimeOffset at, CancellationToken token) => Task.FromResult(new Row(id, at));
        sealed class Clock : TimeProvider { }
        {{members}}
        """,
        attributes: "[OnError(typeof(Exception), ErrorAction.Stop)]",
        types: types)
        .Replace("static class Startup { static void Start() => Host.AddProcessor<P>(); }", "", StringComparison.Ordinal)
        .Replace(
            "using FastConsumer;",
            "using System.Diagnostics; using System.Security.Cryptography; using FastConsumer; using Microsoft.Extensions.Logging;",
            StringComparison.Ordinal);
}
