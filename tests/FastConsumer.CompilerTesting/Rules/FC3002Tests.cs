using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC3002Tests
{
    [Theory]
    [InlineData("await [|store.SaveAsync(text)|];")]
    [InlineData("await [|store.CountAsync()|];")]
    [InlineData("await [|Task.Delay(1)|];")]
    [InlineData("await [|context.CheckpointAsync()|];")]
    [InlineData("async Task Local() => await [|store.CountAsync()|]; await Local();")]
    [InlineData("await Task.WhenAll(text.Split(',').Select(part => [|store.SaveAsync(part)|]));")]
    [InlineData("await [|SaveAsync(text)|];")]
    [InlineData("var channel = Channel.CreateUnbounded<int>(); await foreach (int item in [|channel.Reader.ReadAllAsync()|]) "
        + "Console.WriteLine(item);")]
    [InlineData("using var gate = new SemaphoreSlim(1); await [|gate.WaitAsync()|];")]
    public Task A_call_without_the_token_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC3002", Source(body));

    [Theory]
    [InlineData("await store.SaveAsync(text, token);")]
    [InlineData("await store.SaveAsync(text, CancellationToken.None);")]
    [InlineData("using var own = new CancellationTokenSource(); await store.SaveAsync(text, own.Token);")]
    [InlineData("try { store.Save(text); } finally { await store.CountAsync(); }")]
    [InlineData("try { store.Save(text); } catch (IOException) { await store.CountAsync(); throw; }")]
    [InlineData("await Task.Run(() => store.Save(text));")]
    [InlineData("await Task.WhenAll(store.CountAsync(token)); await Task.Yield();")]
    [InlineData("static async Task Local(IStore store) => await store.CountAsync(); await Local(store);")]
    public Task What_passes_it_or_cannot_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC3002", Source(body));

    [Theory]
    [InlineData("Console.WriteLine(await [|_db.Rows.FindAsync(text)|]);")]
    [InlineData("Console.WriteLine(await [|_db.FindAsync<Row>(text)|]);")]
    [InlineData("Console.WriteLine(await [|_db.Rows.FindAsync(text, token)|]);")]
    [InlineData("await [|Parallel.ForEachAsync(text.Split(','), async (part, inner) => await store.SaveAsync(part, inner))|];")]
    [InlineData("await [|Parallel.ForEachAsync(text.Split(','), new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (part, "
        + "inner) => await store.SaveAsync(part, inner))|];")]
    [InlineData("var options = new ParallelOptions(); await [|Parallel.ForEachAsync(text.Split(','), options, async (part, "
        + "inner) => await store.SaveAsync(part, inner))|];")]
    [InlineData("using var memory = new MemoryStream(); await [|memory.CopyToAsync(_file)|];")]
    [InlineData("await [|_file.FlushAsync()|];")]
    [InlineData("await foreach (string line in [|LinesAsync(text)|]) Console.WriteLine(line);")]
    public Task Other_forms_without_it_are_reported(string body) => RuleVerifier.VerifyBodyAsync("FC3002", Forms(body));

    [Theory]
    [InlineData("await foreach (string line in LinesAsync(text).WithCancellation(token)) Console.WriteLine(line);")]
    [InlineData("await foreach (string line in LinesAsync(text).WithCancellation(token).ConfigureAwait(false)) Console.WriteLine(line);")]
    [InlineData("await foreach (string line in LinesAsync(text).ConfigureAwait(false).WithCancellation(token)) Console.WriteLine(line);")]
    [InlineData("var lines = LinesAsync(text); await foreach (string line in lines.WithCancellation(token)) Console.WriteLine(line);")]
    [InlineData("using var memory = new MemoryStream(); await memory.WriteAsync(Encoding.UTF8.GetBytes(text)); await memory.FlushAsync(); "
        + "await memory.CopyToAsync(Stream.Null);")]
    [InlineData("using Stream memory = new MemoryStream(); await memory.WriteAsync(Encoding.UTF8.GetBytes(text));")]
    [InlineData("using var reader = new StringReader(text); Console.WriteLine(await reader.ReadLineAsync());")]
    [InlineData("Console.WriteLine(await _db.Rows.FindAsync([text], token));")]
    [InlineData("await Parallel.ForEachAsync(text.Split(','), token, async (part, inner) => await store.SaveAsync(part, inner));")]
    [InlineData("await Parallel.ForEachAsync(text.Split(','), new ParallelOptions { CancellationToken = token }, async (part, "
        + "inner) => await store.SaveAsync(part, inner));")]
    [InlineData("var options = new ParallelOptions(); options.CancellationToken = token; await Parallel.ForEachAsync(text.Split(','), "
        + "options, async (part, inner) => await store.SaveAsync(part, inner));")]
    [InlineData("await Parallel.ForEachAsync(text.Split(','), _options, async (part, inner) => await store.SaveAsync(part, inner));")]
    public Task Other_forms_with_it_are_fine(string body) => RuleVerifier.VerifyBodyAsync("FC3002", Forms(body));

    private static string Forms(string body) => Source(body).Replace(
        "using FastConsumer;",
        "using FastConsumer; using Microsoft.EntityFrameworkCore; using System.Runtime.CompilerServices;",
        StringComparison.Ordinal).Replace(
            "[OnRecord] [OnError",
            """
        public class Row { public string Id { get; set; } = ""; }
        public class Shop : DbContext { public DbSet<Row> Rows => Set<Row>(); }
        readonly Shop _db = null!; readonly ParallelOptions _options = new(); readonly Stream _file = null!;
        static async IAsyncEnumerable<string> LinesAsync(string text, [EnumeratorCancellation] CancellationToken cancel = default)
        {
            await Task.Delay(1, cancel); yield return text;
        }
        [OnRecord] [OnError
        """,
            StringComparison.Ordinal);

    [Fact]
    public Task Without_a_token_there_is_none_to_pass() => RuleVerifier.VerifyBodyAsync(
        "FC3002",
        HandlerSource.Of("[OnRecord] async Task Handle(string text) => await store.SaveAsync(text);"));

    private static string Source(string body) => HandlerSource.Of(
        $$"""
        [OnRecord] [OnError(typeof(Exception), ErrorAction.Stop)]
        async Task Handle(string text, RecordContext context, CancellationToken token) { await Task.Yield(); {{body}} }
        Task SaveAsync(string text, bool twice = false, CancellationToken token = default) => store.SaveAsync(text + twice, token);
        """);
}
