using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC3001Tests
{
    [Theory]
    [InlineData("Console.WriteLine([|store.CountAsync(token).Result|]);")]
    [InlineData("[|store.SaveAsync(text, token).Wait()|];")]
    [InlineData("[|store.SaveAsync(text, token).Wait(1000, token)|];")]
    [InlineData("[|store.SaveAsync(text, token).GetAwaiter().GetResult()|];")]
    [InlineData("[|store.SaveAsync(text, token).ConfigureAwait(false).GetAwaiter().GetResult()|];")]
    [InlineData("[|Task.WaitAll(store.SaveAsync(text, token))|];")]
    [InlineData("[|Thread.Sleep(10)|];")]
    [InlineData("[|_gate.Wait()|];")]
    [InlineData("[|File.WriteAllText(\"a\", text)|];")]
    [InlineData("[|_event.WaitOne()|];")]
    [InlineData("Task<int> count = store.CountAsync(token); Console.WriteLine([|count.Result|]);")]
    [InlineData("string all = $\"{[|store.CountAsync(token).Result|]}\"; Console.WriteLine(all);")]
    [InlineData("try { store.Save(text); } finally { [|store.SaveAsync(text, token).Wait()|]; }")]
    public Task A_wait_that_holds_the_thread_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC3001", Source(body));

    [Theory]
    [InlineData("Task<int> count = store.CountAsync(token); await count; Console.WriteLine(count.Result);")]
    [InlineData("Task<int>[] counts = [store.CountAsync(token)]; await Task.WhenAll(counts); Console.WriteLine(counts[0].Result + "
        + "counts.Sum(task => task.Result));")]
    [InlineData("Task<int>[] counts = [store.CountAsync(token)]; await Task.WhenAll(counts); "
        + "foreach (var task in counts) Console.WriteLine(task.Result);")]
    [InlineData(
        "Task<int> count = store.CountAsync(token); if (count.IsCompletedSuccessfully) Console.WriteLine(count.Result); else await count;")]
    [InlineData("Console.WriteLine(_gate.Wait(0));")]
    [InlineData("await Task.Delay(10, token);")]
    [InlineData("new MemoryStream().WriteByte(1);")]
    [InlineData("store.Save(text);")]
    public Task What_does_not_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC3001", Source(body));

    [Theory]
    [InlineData("using var file = File.OpenWrite(text); [|file.Write(Encoding.UTF8.GetBytes(text).AsSpan())|];", "WriteAsync")]
    [InlineData("[|_net.Write(Encoding.UTF8.GetBytes(text).AsSpan())|];", "WriteAsync")]
    [InlineData("[|File.WriteAllBytes(text, Encoding.UTF8.GetBytes(text).AsSpan())|];", "WriteAllBytesAsync")]
    [InlineData("[|_socket.Send(Encoding.UTF8.GetBytes(text))|];", "SendAsync")]
    [InlineData("[|_socket.Send(Encoding.UTF8.GetBytes(text).AsSpan())|];", "SendAsync")]
    [InlineData("Console.WriteLine([|_db.Rows.ToList()|].Count);", "ToListAsync")]
    [InlineData("Console.WriteLine([|_db.Rows.Where(row => row.Id == text).First()|]);", "FirstAsync")]
    [InlineData(
        "var query = _db.Rows.Where(row => row.Id == text).OrderBy(row => row.Id); Console.WriteLine([|query.FirstOrDefault()|]);",
        "FirstOrDefaultAsync")]
    [InlineData("Console.WriteLine([|_db.Set<Row>().AsNoTracking().Any(row => row.Id == text)|]);", "AnyAsync")]
    [InlineData("Console.WriteLine([|_db.Rows.Find(text)|]);", "FindAsync")]
    [InlineData("Console.WriteLine([|_db.Find<Row>(text)|]);", "FindAsync")]
    [InlineData("[|_db.Rows.Where(row => row.Id == text).ExecuteDelete()|];", "ExecuteDeleteAsync")]
    [InlineData("[|_db.Database.ExecuteSqlRaw(\"x\")|];", "ExecuteSqlRawAsync")]
    [InlineData("using var tx = [|_db.Database.BeginTransaction()|]; [|tx.Commit()|];", "BeginTransactionAsync")]
    [InlineData("Console.WriteLine([|_sql.Query<int>(\"x\")|]);", "QueryAsync")]
    [InlineData("[|_sql.Execute(\"x\", new { text })|];", "ExecuteAsync")]
    [InlineData("Console.WriteLine([|_sql.ExecuteScalar<int>(\"x\")|]);", "ExecuteScalarAsync")]
    [InlineData("[|_redis.StringSet(text, text)|];", "StringSetAsync")]
    [InlineData("Console.WriteLine([|_redis.HashGet(text, text)|]);", "HashGetAsync")]
    public async Task A_twin_is_named(string body, string twin) => Assert.Contains(
        (await RuleVerifier.VerifyBodyAsync("FC3001", Libraries(body)))
            .Select(message => message[message.LastIndexOf("Await ", StringComparison.Ordinal)..]),
        message => message == $"Await {twin}.");

    [Theory]
    [InlineData("Console.WriteLine(_db.Rows.Where(row => row.Id == text).AsEnumerable().ToList());")]
    [InlineData("_db.Rows.Add(new Row());")]
    [InlineData("var list = new List<Row>(); Console.WriteLine(list.AsQueryable().First());")]
    [InlineData("_redis.StringSet(text, text, flags: StackExchange.Redis.CommandFlags.FireAndForget);")]
    [InlineData("var batch = _redis.CreateBatch(); batch.Execute();")]
    [InlineData("await store.CountAsync(token).ContinueWith(task => Console.WriteLine(task.Result), token);")]
    [InlineData(
        "await store.CountAsync(token).ContinueWith((task, state) => Console.WriteLine(task.GetAwaiter().GetResult()), null, token);")]
    [InlineData("await store.CountAsync(token).ContinueWith(Print, token);")]
    [InlineData("await Task.Factory.ContinueWhenAll([store.CountAsync(token)], tasks => Console.WriteLine(tasks[0].Result), token);")]
    [InlineData("var first = await Task.WhenAny(store.CountAsync(token), store.CountAsync(token)); Console.WriteLine(first.Result);")]
    [InlineData("Console.WriteLine((await Task.WhenAny(store.CountAsync(token), store.CountAsync(token))).Result);")]
    [InlineData("Task<int> a = store.CountAsync(token), b = store.CountAsync(token); await foreach (var done in Task.WhenEach(a, "
        + "b)) Console.WriteLine(done.Result);")]
    [InlineData("Task<int> a = store.CountAsync(token); var delay = Task.Delay(1, token); if (await Task.WhenAny(a, "
        + "delay) == a) Console.WriteLine(a.Result); else throw new OperationCanceledException();")]
    [InlineData("Console.WriteLine(_gate.Wait(TimeSpan.Zero));")]
    [InlineData("Console.WriteLine(_gate.Wait(default(TimeSpan), token));")]
    [InlineData("Console.WriteLine(_event.WaitOne(TimeSpan.Zero));")]
    [InlineData("Task<int> a = store.CountAsync(token); Console.WriteLine(a.Wait(0)); await a;")]
    public Task What_does_not_wait_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC3001", Libraries(body));

    [Theory]
    [InlineData("Task<int> a = store.CountAsync(token), b = store.CountAsync(token); await Task.WhenAny(a, b); "
        + "Console.WriteLine([|a.Result|]); await b;")]
    [InlineData("var all = new[] { store.CountAsync(token) }; await Task.WhenAny(all); Console.WriteLine([|all[0].Result|]);")]
    public Task After_WhenAny_the_others_block(string body) => RuleVerifier.VerifyBodyAsync("FC3001", Libraries(body));

    private static string Libraries(string body) => Source(body).Replace(
        "using FastConsumer;", "using Dapper; using FastConsumer; using Microsoft.EntityFrameworkCore;", StringComparison.Ordinal).Replace(
            "SemaphoreSlim _gate",
            """
        public class Row { public string Id { get; set; } = ""; }
        public class Shop : DbContext { public DbSet<Row> Rows => Set<Row>(); }
        readonly Shop _db = null!; readonly System.Data.Common.DbConnection _sql = null!;
        readonly StackExchange.Redis.IDatabase _redis = null!;
        readonly System.Net.Sockets.NetworkStream _net = null!; readonly System.Net.Sockets.Socket _socket = null!;
        static void Print(Task<int> task) => Console.WriteLine(task.Result);
        SemaphoreSlim _gate
        """,
            StringComparison.Ordinal);

    [Fact]
    public Task The_life_cycle_counts_and_other_code_does_not() => RuleVerifier.VerifyBodyAsync(
        "FC3001",
        HandlerSource.Of(
            "[OnRecord] void Handle(string text) { } [OnStopping] void Stop() => [|Thread.Sleep(1)|]; void Other() => Thread.Sleep(1);"));

    private static string Source(string body) => HandlerSource.Of(
        $$"""
        SemaphoreSlim _gate = new(1); ManualResetEvent _event = new(false);
        [OnRecord] [OnError(typeof(Exception), ErrorAction.Stop)]
        async Task Handle(string text, CancellationToken token) { await Task.Yield(); {{body}} }
        """);
}
