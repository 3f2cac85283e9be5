using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC2008Tests
{
    [Theory]
    [InlineData("[|TrySave(text)|];")]
    [InlineData("await [|TrySaveAsync(text)|];")]
    [InlineData("_ = await [|TrySaveAsync(text)|];")]
    [InlineData("bool saved = await [|gate.TrySendAsync(text)|].ConfigureAwait(false);")]
    [InlineData("[|_bounded.Writer.TryWrite(text)|]; store.Save(text);")]
    [InlineData("await [|results.SaveAsync(text)|];")]
    [InlineData("var result = await [|results.SaveAsync(text)|];")]
    [InlineData("[|results.Save(text)|];")]
    [InlineData("[|Own(text)|];")]
    [InlineData("await [|store.SaveAsync(text, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing)|];")]
    [InlineData("Task task = store.SaveAsync(text, token); await [|task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | "
        + "ConfigureAwaitOptions.ForceYielding)|];")]
    [InlineData("[|TryRead(text, out _)|];")]
    [InlineData("await Task.WhenAll(text.Split(',').Select(part => [|results.SaveAsync(part)|]));")]
    [InlineData("var task = [|TrySaveAsync(text)|]; await task;")]
    [InlineData("await Forward(text);")]
    public Task A_failure_that_nobody_looks_at_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC2008", Source(body));

    [Theory]
    [InlineData("if (!TrySave(text)) throw new OperationCanceledException();")]
    [InlineData("bool saved = await TrySaveAsync(text); if (!saved) store.Save(\"dead\");")]
    [InlineData("Console.WriteLine(TrySave(text) ? 1 : 2);")]
    [InlineData(
        "new HashSet<string>().Add(text); new Dictionary<string, int>().TryAdd(text, 1); new ConcurrentQueue<string>().TryDequeue(out _);")]
    [InlineData("new TaskCompletionSource().TrySetResult(); int.TryParse(text, out int n); Console.WriteLine(n);")]
    [InlineData("TryRead(text, out int n); Console.WriteLine(n);")]
    [InlineData("TryGet(text, out string? found); store.Save(found ?? text);")]
    [InlineData("_unbounded.Writer.TryWrite(text); store.Save(text);")]
    [InlineData("_dropping.Writer.TryWrite(text); store.Save(text);")]
    [InlineData("var result = await results.SaveAsync(text); if (result.IsFailed) throw new OperationCanceledException();")]
    [InlineData("(await results.SaveAsync(text)).Log();")]
    [InlineData("Task task = store.SaveAsync(text, token); await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); "
        + "if (task.IsFaulted) throw new OperationCanceledException();")]
    [InlineData("await Task.Delay(10, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);")]
    [InlineData("try { store.Save(text); } finally { TrySave(text); }")]
    [InlineData("TryReleaseLock();")]
    [InlineData("{|FC2003:TrySaveAsync(text)|};")]
    [InlineData("var all = await Task.WhenAll(text.Split(',').Select(part => results.SaveAsync(part))); if (all.Any(one => one.IsFailed)) "
        + "throw new OperationCanceledException();")]
    [InlineData("var task = TrySaveAsync(text); if (!await task) throw new OperationCanceledException();")]
    public Task What_is_looked_at_or_meant_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC2008", Source(body));

    private static string Source(string body) => HandlerSource.Of(
        $$"""
        public interface IGate { Task<bool> TrySendAsync(string text); }
        public interface IResults { Task<FluentResults.Result> SaveAsync(string text); FluentResults.Result<int> Save(string text); }
        public record SaveResult(bool IsSuccess);
        [OnRecord] [OnError(typeof(Exception), ErrorAction.Stop)] async Task Handle(string text, CancellationToken token) { await Task.Yield(); {{body}} }
        bool TrySave(string text) => text.Length > 1; Task<bool> TrySaveAsync(string text) => Task.FromResult(text.Length > 1); bool TryReleaseLock() => true;
        static bool TryRead(string text, out int n) { n = text.Length; return n > 1; } static bool TryGet(string text, out string? found) { found = text; return true; }
        Task Forward(string text) => {{(body == "await Forward(text);" ? "[|results.SaveAsync(text)|]" : "Task.CompletedTask")}};
        static SaveResult Own(string text) => new(text.Length > 1);
        readonly IGate gate = null!; readonly IResults results = null!;
        readonly Channel<string> _bounded = Channel.CreateBounded<string>(10); readonly Channel<string> _unbounded = Channel.CreateUnbounded<string>();
        readonly Channel<string> _dropping = Channel.CreateBounded<string>(new BoundedChannelOptions(10) { FullMode = BoundedChannelFullMode.DropOldest });
        """);
}
