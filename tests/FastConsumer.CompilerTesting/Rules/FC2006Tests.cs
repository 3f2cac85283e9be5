using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC2006Tests
{
    [Theory]
    [InlineData("[|_list.Add(text)|]; if (_list.Count < 10) return; await FlushAsync();")]
    [InlineData("[|_list.Add(text)|]; if (_list.Count >= 10) { await FlushAsync(); }")]
    [InlineData("[|_list.Add(text)|]; await FlushIfFullAsync();")]
    [InlineData("var order = new Order(text); [|_orders.Enqueue(order)|];")]
    [InlineData("[|_writer.TryWrite(text)|];")]
    [InlineData("await [|_channel.Writer.WriteAsync(new Order(text), token)|];")]
    [InlineData("[|System.Threading.Tasks.Dataflow.DataflowBlock.Post(_block, text)|];")]
    [InlineData("[|_groups.GetOrAdd(text, _ => []).Add(text)|];")]
    [InlineData("if (!_byKey.TryGetValue(text, out var group)) { _byKey[text] = group = []; } [|group.Add(text)|];")]
    [InlineData("[|_text.Append(text)|]; if (_text.Length > 1000) { store.Save(_text.ToString()); _text.Clear(); }")]
    [InlineData("Keep(text);")]
    [InlineData("foreach (string part in text.Split(',')) { [|_list.Add(part)|]; if (_list.Count > 10) await FlushAsync(); }")]
    [InlineData("log.LogInformation(\"{Text}\", text); [|_list.Add(text)|];")]
    [InlineData("[|_swapped.Add(text)|]; if (_swapped.Count > 5) Swap();")]
    [InlineData("[|_slots[_next++] = text|]; if (_next == _slots.Length) { _next = 0; store.Save(string.Join(',', _slots)); "
        + "Array.Clear(_slots); _slots = new string[3]; }")]
    [InlineData("text.Split(',').ToList().ForEach(part => [|_list.Add(part)|]);")]
    [InlineData("[|_bytes.Write(Encoding.UTF8.GetBytes(text))|]; if (_bytes.Length > 1000) Upload(text);")]
    [InlineData("if (!_byKey.TryGetValue(text, out var group)) { group = []; _byKey.Add(text, group); } [|group.Add(text)|]; "
        + "if (group.Count > 9) { Put(group, text); group.Clear(); }")]
    [InlineData("var group = _groups.GetOrAdd(text, _ => []); [|group.Add(text)|]; if (group.Count > 9) { store.Save(string.Join(',', "
        + "group)); group.Clear(); }")]
    [InlineData("[|_list.Add(text)|]; if (_list.Count > 9) { Put(_list, text); _list.Clear(); }")]
    public Task What_is_left_in_a_buffer_is_reported(string body) =>
        RuleVerifier.VerifyBodyAsync("FC2006", Source(body, body == "Keep(text);"));

    [Theory]
    [InlineData("_list.Add(text); await FlushAsync();")]
    [InlineData("_list.Add(text); try { store.Save(\"\"); } finally { await FlushAsync(); }")]
    [InlineData("foreach (string part in text.Split(',')) _list.Add(part); if (_list.Count > 0) { await FlushAsync(); }")]
    [InlineData("_never.Add(text);")]
    [InlineData("_recent.Add(text); Console.WriteLine(_recent.Max()); if (_recent.Count > 99) _recent.RemoveRange(0, 50);")]
    [InlineData(
        "_recent.Add(text); foreach (string one in _recent) { Console.WriteLine(one); } if (_recent.Count > 99) { _recent.Clear(); }")]
    [InlineData("_seen.Add(text); if (_seen.Count > 1000) _seen.Clear();")]
    [InlineData("_sums[text] = _sums.GetValueOrDefault(text) + text.Length; if (_sums.Count > 10) { foreach (var pair in _sums) "
        + "store.Save(pair.Key); _sums.Clear(); }")]
    [InlineData("_window.Enqueue(text); if (_window.Count > 10) _window.Dequeue();")]
    [InlineData("if (_seen.Add(text)) { _window.Enqueue(text); if (_window.Count > 10) _seen.Remove(_window.Dequeue()); }")]
    [InlineData("_numbers.Add(text.Length); if (_numbers.Count > 10) { Console.WriteLine(_numbers.Average()); _numbers.Clear(); }")]
    [InlineData("await store.SaveAsync(text, token); _writer.TryWrite(text);")]
    [InlineData("_list.Add(text); await store.SaveAsync(text, token);")]
    [InlineData(
        "if (text.Length == 0) return; _list.Add(text); Put(_list, text); if (_list.Count > 9) { Put(_list, \"\"); _list.Clear(); }")]
    [InlineData("var local = new List<string> { text }; local.Add(text); await store.SaveAsync(local[0], token); local.Clear();")]
    [InlineData("var channel = Channel.CreateUnbounded<string>(); channel.Writer.TryWrite(text); channel.Writer.Complete(); "
        + "await foreach (string one in channel.Reader.ReadAllAsync(token)) store.Save(one);")]
    [InlineData("var done = new TaskCompletionSource(); await _work.Writer.WriteAsync((text, done), token); await done.Task;")]
    [InlineData(
        "_tasks.Add({|FC2003:store.SaveAsync(text, token)|}); if (_tasks.Count > 9) { await Task.WhenAll(_tasks); _tasks.Clear(); }")]
    [InlineData("_count++; _last = text;")]
    [InlineData("if (_recent.Contains(text)) return; _recent.Add(text); if (_recent.Count > 100) _recent.Clear(); "
        + "await store.SaveAsync(text, token);")]
    [InlineData("_list.Add(\"tick\"); if (_list.Count > 10) await FlushAsync();")]
    public Task What_is_flushed_counted_or_kept_as_state_is_fine(string body) =>
        RuleVerifier.VerifyBodyAsync("FC2006", Source(body, keeps: false));

    [Fact]
    public Task In_batches_as_well() => RuleVerifier.VerifyBodyAsync(
        "FC2006",
        HandlerSource.Of(
            """
            readonly List<KinesisRecord> _pending = [];
            [OnBatch] async Task Handle(RecordBatch batch, CancellationToken token)
            {
                foreach (KinesisRecord record in batch) { [|_pending.Add(record.ToOwned())|]; }
                if (_pending.Count < 500) return;
                foreach (KinesisRecord record in _pending) { await store.SaveAsync(record.PartitionKey, token); }
                _pending.Clear();
            }
            """));

    [Fact]
    public Task A_flush_when_stopping_does_not_excuse() => RuleVerifier.VerifyBodyAsync(
        "FC2006",
        HandlerSource.Of(
            """
            readonly ConcurrentQueue<string> _queue = [];
            [OnRecord] void Handle(string text) => [|_queue.Enqueue(text)|];
            [OnStopping] void Stop() { while (_queue.TryDequeue(out string? text)) { store.Save(text); } }
            """));

    [Fact]
    public Task A_queue_from_DI_that_another_class_drains_is_one() => RuleVerifier.VerifyBodyAsync(
        "FC2006",
        HandlerSource.Of("[OnRecord] void Handle(string text) => [|queue.Enqueue(text)|];")
            .Replace("ILogger<P> log)", "ILogger<P> log, ConcurrentQueue<string> queue)", StringComparison.Ordinal)
        + "class Pump(ConcurrentQueue<string> queue, IStore store) { public void Run() { while (queue.TryDequeue(out string? text)) { "
        + "store.Save(text); } } }");

    private static string Source(string body, bool keeps) => HandlerSource.Of(
        $$"""
        record Order(string Id); System.Action<object, string> Put { get; } = null!; MemoryStream _bytes = new();
        void Upload(string name) { Put(_bytes, name); _bytes = new MemoryStream(); }
        readonly List<string> _list = []; readonly ConcurrentQueue<Order> _orders = []; readonly ChannelWriter<string> _writer = null!; readonly Channel<Order> _channel = Channel.CreateUnbounded<Order>();
        readonly Channel<(string, TaskCompletionSource)> _work = Channel.CreateUnbounded<(string, TaskCompletionSource)>();
        readonly System.Threading.Tasks.Dataflow.BufferBlock<string> _block = new(); readonly ConcurrentDictionary<string, List<string>> _groups = []; readonly Dictionary<string, List<string>> _byKey = [];
        readonly List<Task> _tasks = []; readonly StringBuilder _text = new(); List<string> _swapped = []; string[] _slots = new string[3]; int _next; readonly List<string> _never = []; readonly HashSet<string> _seen = [];
        readonly Dictionary<string, int> _sums = []; readonly Queue<string> _window = []; readonly List<int> _numbers = []; readonly List<string> _recent = []; int _count; string? _last;
        [OnRecord] async Task Handle(string text, CancellationToken token) { await Task.Yield(); {{body}} }
        void Keep(string kept) => {{(keeps ? "[|_list.Add(kept)|]" : "_list.Clear()")}};
        async Task FlushAsync() { foreach (string one in _list) { await store.SaveAsync(one); } _list.Clear(); }
        async Task FlushIfFullAsync() { if (_list.Count < 10) return; await FlushAsync(); }
        void Swap() { var all = _swapped; _swapped = []; store.Save(string.Join(',', all)); }
        void Timed() { while (_orders.TryDequeue(out Order? order)) { store.Save(order.Id); } foreach (var pair in _groups) { store.Save(pair.Key); } _groups.Clear(); foreach (var pair in _byKey) { store.Save(pair.Key); } _byKey.Clear(); }
        object?[] All() => [_count, _last, _never];
        """).Replace("Task FlushAsync()", "Task FlushAsync(CancellationToken none = default)", StringComparison.Ordinal)
            .Replace("await FlushAsync();", "await FlushAsync(CancellationToken.None);", StringComparison.Ordinal)
            .Replace("store.SaveAsync(one)", "store.SaveAsync(one, none)", StringComparison.Ordinal)
            .Replace("_queue.Enqueue(text)|];", "_queue.Enqueue(text)|];", StringComparison.Ordinal);
}
