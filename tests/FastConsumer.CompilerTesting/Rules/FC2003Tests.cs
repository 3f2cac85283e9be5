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
    [InlineData("ValueTask unused = [|new ValueTask(store.SaveAsync(text, token))|];")]
    [InlineData("_ = [|new ValueTask<int>(store.CountAsync(token))|];")]
    [InlineData("text.Split(',').ToList().ForEach([|async|] part => await store.SaveAsync(part, token));")]
    [InlineData("[|ThreadPool.QueueUserWorkItem(_ => store.Save(text))|];")]
    [InlineData("[|new Thread(() => store.Save(text)).Start()|];")]
    [InlineData("_any = [|new Timer(_ => store.Save(text), null, 1, 1)|];")]
    [InlineData("[|Happened += () => store.Save(text)|];")]
    [InlineData("await [|Task.Factory.StartNew(() => store.SaveAsync(text, token), token)|];")]
    [InlineData("_ = [|Task.WhenAll(store.SaveAsync(text, token), store.SaveAsync(text, token))|];")]
    [InlineData("var tx = redis.CreateTransaction(); _ = tx.StringSetAsync(text, text); [|tx.ExecuteAsync()|];")]
    [InlineData("var batch = redis.CreateBatch(); _ = [|batch.StringSetAsync(text, text)|]; batch.Execute();")]
    public Task Work_that_nobody_awaits_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC2003", Source(body));

    [Theory]
    [InlineData("await Task.WhenAll(store.SaveAsync(text, token), store.SaveAsync(text, token));")]
    [InlineData("Task task = store.SaveAsync(text, token); await task;")]
    [InlineData("var task = new ValueTask(store.SaveAsync(text, token)); await task;")]
    [InlineData("var known = new ValueTask<int>(1); _ = new ValueTask(Task.CompletedTask);")]
    [InlineData("_task = store.SaveAsync(text, token); await _task;")]
    [InlineData("_tasks.Add(store.SaveAsync(text, token)); await Task.WhenAll(_tasks);")]
    [InlineData("await Task.Factory.StartNew(() => store.SaveAsync(text, token), token).Unwrap();")]
    [InlineData("using var timer = new Timer(_ => store.Save(text), null, 1, 1); await Task.Yield();")]
    [InlineData("_ = text.Length; await Task.CompletedTask;")]
    [InlineData("var thread = new Thread(() => store.Save(text)); thread.Start(); thread.Join();")]
    [InlineData("var tx = redis.CreateTransaction(); _ = tx.StringSetAsync(text, text); var set = tx.KeyDeleteAsync(text); "
        + "if (await tx.ExecuteAsync()) await set;")]
    public Task What_is_awaited_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC2003", Source(body));

    [Fact]
    public Task Work_of_the_life_cycle_is_fine() => RuleVerifier.VerifyBodyAsync(
        "FC2003",
        HandlerSource.Of("Task? _task; [OnRecord] void Handle(string text) { } [OnShardStarted] void Start() => _task = "
            + "store.SaveAsync(\"\"); [OnStopping] Task Stop() => _task!;"));

    [Theory]
    [InlineData("var tasks = new List<Task>(); foreach (string s in text.Split(',')) { tasks.Add([|store.SaveAsync(s, token)|]); "
        + "if (tasks.Count == 10) { await Task.WhenAll(tasks); tasks.Clear(); } }")]
    [InlineData("_tasks.Add([|store.SaveAsync(text, token)|]); if (_tasks.Count >= 10) { await Task.WhenAll(_tasks); _tasks.Clear(); }")]
    [InlineData("_ = [|text.Length > 1 ? store.SaveAsync(text, token) : store.SaveAsync(\"\", token)|];")]
    [InlineData("_ = [|text switch { \"a\" => store.SaveAsync(text, token), _ => Task.CompletedTask }|];")]
    [InlineData("[|text.Split(',').Select(s => store.SaveAsync(s, token)).ToArray()|];")]
    [InlineData("_ = [|text.Split(',').Select(s => store.SaveAsync(s, token)).ToList()|];")]
    [InlineData("var all = [|text.Split(',').Select(SaveAsync).ToArray()|]; log.LogDebug(\"{Count}\", all.Length);")]
    [InlineData("Task task = [|store.SaveAsync(text, token)|]; if (text.Length == 0) return; await task;")]
    [InlineData("Task task = [|store.SaveAsync(text, token)|]; if (text.Length == 0) { await task; }")]
    [InlineData("Task task; task = [|store.SaveAsync(text, token)|]; _ = task;")]
    [InlineData("Ignore([|store.SaveAsync(text, token)|]);")]
    [InlineData("[|store.SaveAsync(text, token)|].Forget();")]
    [InlineData("Task task = [|store.SaveAsync(text, token)|]; Ignore(task);")]
    [InlineData("await Task.WhenAny([|store.SaveAsync(text, token)|], Task.Delay(1000, token));")]
    [InlineData("Task work = [|store.SaveAsync(text, token)|]; if (await Task.WhenAny(work, Task.Delay(10, token)) != work) { "
        + "log.LogWarning(\"slow\"); return; } await work;")]
    [InlineData("Task work = [|store.SaveAsync(text, token)|]; var delay = Task.Delay(10, token); var first = await Task.WhenAny(work, "
        + "delay); if (first == work) await work;")]
    [InlineData("var tasks = new Task[text.Length]; for (int i = 0; i < tasks.Length; i++) tasks[i] = [|store.SaveAsync(text, token)|];")]
    public Task A_way_to_the_end_that_leaves_work_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC2003", Ways(body));

    [Theory]
    [InlineData("var tasks = new List<Task>(); foreach (string s in text.Split(',')) { tasks.Add(store.SaveAsync(s, token)); "
        + "if (tasks.Count == 10) { await Task.WhenAll(tasks); tasks.Clear(); } } await Task.WhenAll(tasks);")]
    [InlineData("var tasks = new List<Task>(); foreach (string s in text.Split(',')) { tasks.Add(store.SaveAsync(s, token)); "
        + "if (tasks.Count == 10) { await Task.WhenAll(tasks); tasks.Clear(); } } if (tasks.Count > 0) { await Task.WhenAll(tasks); }")]
    [InlineData("var tasks = new List<Task>(); try { foreach (string s in text.Split(',')) tasks.Add(store.SaveAsync(s, token)); } "
        + "finally { await Task.WhenAll(tasks); }")]
    [InlineData("var tasks = new List<Task>(); foreach (string s in text.Split(',')) { tasks.Add(store.SaveAsync(s, token)); "
        + "if (tasks.Count >= 3) { Task done = await Task.WhenAny(tasks); tasks.Remove(done); await done; } } await Task.WhenAll(tasks);")]
    [InlineData("_tasks.Add(store.SaveAsync(text, token)); if (_tasks.Count >= 10) { } await FlushAsync();")]
    [InlineData("await (text.Length > 1 ? store.SaveAsync(text, token) : store.SaveAsync(\"\", token));")]
    [InlineData("await Task.WhenAll(text.Split(',').Select(s => store.SaveAsync(s, token)).ToArray());")]
    [InlineData("var all = text.Split(',').Select(SaveAsync).ToArray(); await Task.WhenAll(all);")]
    [InlineData("var all = text.Split(',').Select(SaveAsync).ToList(); foreach (Task one in all) await one;")]
    [InlineData("Task task = store.SaveAsync(text, token); if (text.Length == 0) throw new OperationCanceledException(); await task;")]
    [InlineData("Task task = store.SaveAsync(text, token); try { store.Save(text); } finally { await task; }")]
    [InlineData("Task? task = null; if (text.Length > 0) task = store.SaveAsync(text, token); if (task is not null) await task;")]
    [InlineData("Task? task = null; if (text.Length > 0) { task = store.SaveAsync(text, token); } store.Save(text); "
        + "if (text.Length > 0) { await task!; }")]
    [InlineData("Task work = store.SaveAsync(text, token); if (await Task.WhenAny(work, Task.Delay(10, token)) != work) throw new "
        + "OperationCanceledException(); await work;")]
    [InlineData("var delay = Task.Delay(10, token); var first = await Task.WhenAny(store.SaveAsync(text, token), delay); "
        + "if (first == delay) throw new OperationCanceledException(); await first;")]
    [InlineData("Task a = store.SaveAsync(text, token), b = store.SaveAsync(text, token); await await Task.WhenAny(a, b);")]
    [InlineData("Task work = store.SaveAsync(text, token); await work.WaitAsync(TimeSpan.FromSeconds(1), token);")]
    [InlineData("await Wait(store.SaveAsync(text, token));")]
    [InlineData("Task? pending = null; foreach (string s in text.Split(',')) { if (pending != null) await pending; "
        + "pending = store.SaveAsync(s, token); } if (pending != null) await pending;")]
    [InlineData("var tasks = new Task[text.Length]; for (int i = 0; i < tasks.Length; i++) tasks[i] = store.SaveAsync(text, token); "
        + "await Task.WhenAll(tasks);")]
    [InlineData("Task task = store.SaveAsync(text, token); switch (text) { case \"a\": await task; break; default: await task; break; }")]
    [InlineData("async Task Local(string s) { Task one = store.SaveAsync(s, token); await one; } await Local(text);")]
    public Task What_is_awaited_on_every_way_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC2003", Ways(body));

    [Fact]
    public Task A_continuation_of_a_task_that_the_caller_forgets_is_reported_once() => RuleVerifier.VerifyBodyAsync(
        "FC2003",
        HandlerSource.Of(
            """
            [OnRecord] void Handle(string text) { Watch([|store.SaveAsync(text)|]); Later(store.SaveAsync(text)).Wait(); }
            void Watch(Task task) => task.ContinueWith(done => log.LogError(done.Exception, ""), TaskContinuationOptions.OnlyOnFaulted);
            Task Later(Task task) { [|task.ContinueWith(done => log.LogDebug(""), TaskScheduler.Default)|]; return task; }
            """).Replace("Later(store.SaveAsync(text)).Wait()", "{|FC3001:Later(store.SaveAsync(text)).Wait()|}", StringComparison.Ordinal)
            .Replace("[OnRecord]", "[OnRecord] [OnError(typeof(Exception), ErrorAction.Stop)]", StringComparison.Ordinal));

    private static string Ways(string body) => Source(body).Replace(
        "Task? _task;",
        """
        Task SaveAsync(string text) => store.SaveAsync(text); static void Ignore(Task task) { _ = task; } static async Task Wait(Task task) => await task;
        async Task FlushAsync() { await Task.WhenAll(_tasks); _tasks.Clear(); }
        Task? _task;
        """,
        StringComparison.Ordinal)
        .Replace("[OnRecord] async", "[OnRecord] [OnError(typeof(Exception), ErrorAction.Stop)] async", StringComparison.Ordinal)
        + "static class Tasks { public static void Forget(this Task task) { } }";

    private static string Source(string body) => HandlerSource.Of(
        $$"""
        readonly StackExchange.Redis.IDatabase redis = null!;
        Task? _task; List<Task> _tasks = []; object? _any; event Action? Happened;
        [OnRecord] async Task Handle(string text, CancellationToken token) { await Task.Yield(); {{body}} }
        async void LaterAsync() => await Task.Yield();
        object?[] All() { LaterAsync(); return [_task, _any, Happened]; }
        """);
}
