using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC2003Tests
{
    [Theory]
    [InlineData("_ = [|store.SaveAsync(text, token)|];")]
    [InlineData("[|store.SaveAsync(text, token)|];")]
    [InlineData("[|Task.Run(() => store.Save(text))|];")]
    [InlineData("[|LaterAsync()|];")]
    [InlineData("_task = [|store.SaveAsync(text, token)|];")]
    [InlineData("_tasks.Add([|store.SaveAsync(text, token)|]);")]
    [InlineData("Task unused = [|store.SaveAsync(text, token)|];")]
    [InlineData("text.Split(',').ToList().ForEach([|async|] part => await store.SaveAsync(part, token));")]
    [InlineData("[|ThreadPool.QueueUserWorkItem(_ => store.Save(text))|];")]
    [InlineData("[|new Thread(() => store.Save(text)).Start()|];")]
    [InlineData("_any = [|new Timer(_ => store.Save(text), null, 1, 1)|];")]
    [InlineData("[|Happened += () => store.Save(text)|];")]
    [InlineData("await [|Task.Factory.StartNew(() => store.SaveAsync(text, token), token)|];")]
    [InlineData("_ = [|Task.WhenAll(store.SaveAsync(text, token), store.SaveAsync(text, token))|];")]
    public Task Work_that_nobody_awaits_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC2003", Source(body));

    [Theory]
    [InlineData("await Task.WhenAll(store.SaveAsync(text, token), store.SaveAsync(text, token));")]
    [InlineData("Task task = store.SaveAsync(text, token); await task;")]
    [InlineData("_task = store.SaveAsync(text, token); await _task;")]
    [InlineData("_tasks.Add(store.SaveAsync(text, token)); await Task.WhenAll(_tasks);")]
    [InlineData("await Task.Factory.StartNew(() => store.SaveAsync(text, token), token).Unwrap();")]
    [InlineData("using var timer = new Timer(_ => store.Save(text), null, 1, 1); await Task.Yield();")]
    [InlineData("_ = text.Length; await Task.CompletedTask;")]
    [InlineData("var thread = new Thread(() => store.Save(text)); thread.Start(); thread.Join();")]
    public Task What_is_awaited_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC2003", Source(body));

    [Fact]
    public Task Work_of_the_life_cycle_is_fine() => RuleVerifier.VerifyBodyAsync(
        "FC2003",
        HandlerSource.Of("Task? _task; [OnRecord] void Handle(string text) { } [OnShardStarted] void Start() => _task = store.SaveAsync(\"\"); [OnStopping] Task Stop() => _task!;"));

    private static string Source(string body) => HandlerSource.Of(
        $$"""
        Task? _task; List<Task> _tasks = []; object? _any; event Action? Happened;
        [OnRecord] async Task Handle(string text, CancellationToken token) { await Task.Yield(); {{body}} }
        async void LaterAsync() => await Task.Yield();
        object?[] All() { LaterAsync(); return [_task, _any, Happened]; }
        """);
}
