using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC3003Tests
{
    [Theory]
    [InlineData("[|s_count|]++;")]
    [InlineData("[|s_count|] += 2;")]
    [InlineData("[|s_last|] = text;")]
    [InlineData("[|s_list|].Add(text);")]
    [InlineData("[|s_map|][text] = 1;")]
    [InlineData("[|P.s_list|].Clear();")]
    [InlineData("Bump();")]
    [InlineData("([|s_count|], _count) = (1, 2);")]
    [InlineData("[|Other|] = text;")]
    public Task Writing_to_statics_is_reported(string body) => RuleVerifier.VerifyBodyAsync(
        "FC3003", Source(body, body == "Bump();" ? "[|s_count|]--" : "s_safe.Clear()"));

    [Theory]
    [InlineData("Interlocked.Increment(ref s_count);")]
    [InlineData("lock (s_list) { s_list.Add(text); s_count++; }")]
    [InlineData("s_safe[text] = 1;")]
    [InlineData("t_own++;")]
    [InlineData("_count++; _list.Add(text);")]
    [InlineData("Console.WriteLine(s_count + s_last + s_list.Count);")]
    [InlineData("s_gate.Wait(0); s_count++; s_gate.Release();")]
    public Task What_is_safe_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC3003", Source(body, "s_safe.Clear()"));

    [Fact]
    public async Task With_lanes_the_processor_s_own_fields_are_shared()
    {
        IReadOnlyList<string> messages = await RuleVerifier.VerifyBodyAsync(
            "FC3003",
            HandlerSource.Of("int _count; [OnRecord] void Handle(string text) => [|_count|]++;", "[Concurrency(2)]"));
        Assert.Equal(
            "'_count' belongs to the shard, whose lanes run in parallel; here it is written to without a lock: updates are lost, "
                + "or the collection breaks. Use Interlocked or a concurrent collection, or lock.",
            Assert.Single(messages));
    }

    [Fact]
    public async Task What_is_static_can_be_the_processor_s_own()
    {
        IReadOnlyList<string> messages = await RuleVerifier.VerifyBodyAsync(
            "FC3003", HandlerSource.Of("static int s_count; [OnRecord] void Handle(string text) => [|s_count|]++;"));
        Assert.Equal(
            "'P.s_count' is static, so all shards share it; here it is written to without a lock: updates are lost, or the collection "
                + "breaks. Keep it in the processor (there is one per shard), use Interlocked or a concurrent collection, or lock.",
            Assert.Single(messages));
    }

    [Theory]
    [InlineData("Inc(ref [|s_count|]);")]
    [InlineData("int.TryParse(text, out [|s_count|]);")]
    [InlineData("[|s_numbers|][0]++;")]
    [InlineData("[|s_numbers|][0] += 2;")]
    [InlineData("[|s_lazy|] ??= []; lock (s_list) { s_lazy.Add(text); }")]
    public Task Other_ways_to_write_are_reported(string body) => RuleVerifier.VerifyBodyAsync("FC3003", Ways(body));

    [Theory]
    [InlineData("IncSafely(ref s_count); Volatile.Write(ref s_count, 1); Interlocked.Add(ref s_count, 1);")]
    [InlineData("LazyInitializer.EnsureInitialized(ref s_lazy, () => []);")]
    [InlineData("s_lazy ??= []; Console.WriteLine(s_lazy.Count);")]
    [InlineData("s_last ??= text;")]
    [InlineData("t_list ??= []; t_list.Add(text);")]
    [InlineData("lock (s_list) { Locked(); }")]
    [InlineData("lock (s_list) { void Local() => s_count++; Local(); }")]
    [InlineData("void Local() => s_count++; lock (s_list) { Local(); }")]
    [InlineData("lock (s_list) { Outer(); }")]
    [InlineData("Console.WriteLine(s_numbers[0]);")]
    public Task Other_safe_ways_are_fine(string body) => RuleVerifier.VerifyBodyAsync("FC3003", Ways(body));

    [Fact]
    public Task A_method_called_without_the_lock_as_well_is_reported() =>
        RuleVerifier.VerifyBodyAsync("FC3003", Ways("lock (s_list) { Locked(); } Locked();").Replace(
            "Locked() => s_count++", "Locked() => [|s_count|]++", StringComparison.Ordinal));

    [Theory]
    [InlineData(
        "int _count; [OnShardStarted] void Start() => _count = 1; [OnRecord] void Handle(string text) => Console.WriteLine(_count);")]
    [InlineData(
        "static int s_n; [OnShardStarted] void Start() => [|s_n|] = 1; [OnRecord] void Handle(string text) => Console.WriteLine(s_n);")]
    [InlineData("class Box { int _n; public void Put() => _n++; public int Read() => _n; } [OnRecord] void Handle(string text) { var box = "
        + "new Box(); box.Put(); Console.WriteLine(box.Read()); }")]
    [InlineData("class Box { int _n; public void Put() => [|_n|]++; public int Read() => _n; } readonly Box _box = new(); "
        + "[OnRecord] void Handle(string text) { _box.Put(); Console.WriteLine(_box.Read()); }")]
    public Task With_lanes_the_life_cycle_and_what_is_made_for_a_call_are_safe(string members) =>
        RuleVerifier.VerifyBodyAsync("FC3003", HandlerSource.Of(members, "[Concurrency(4)]"));

    [Theory]
    [InlineData("[Concurrency(4)]", "[|seen|].Add(text); [|count|]++;")]
    [InlineData("", "seen.Add(text); count++;")]
    public Task What_a_primary_constructor_captures_is_as_a_field(string lanes, string body) => RuleVerifier.VerifyBodyAsync(
        "FC3003",
        HandlerSource.Of($"[OnRecord] void Handle(string text) {{ {body} }}", lanes)
            .Replace("ILogger<P> log)", "ILogger<P> log, List<string> seen, int count)", StringComparison.Ordinal));

    private static string Ways(string body) => Source(body, "s_safe.Clear()").Replace(
        "static int s_count;",
        """
        static int[] s_numbers = new int[2]; static List<string>? s_lazy; [ThreadStatic] static List<string>? t_list;
        static void Inc(ref int n) => n++; static void IncSafely(ref int n) => Interlocked.Increment(ref n); void Locked() => s_count++;
        void Outer() => Locked();
        static int s_count;
        """,
        StringComparison.Ordinal);

    private static string Source(string body, string bump) => HandlerSource.Of(
        $$"""
        static int s_count; static string? s_last; static readonly List<string> s_list = [];
        static readonly Dictionary<string, int> s_map = [];
        static readonly ConcurrentDictionary<string, int> s_safe = []; [ThreadStatic] static int t_own;
        static readonly SemaphoreSlim s_gate = new(1);
        int _count; List<string> _list = []; static string? Other { get; set; }
        [OnRecord] void Handle(string text) { {{body}} }
        static void Bump() => {{bump}};
        object?[] All() => [s_count, s_last, s_map, t_own, _count, _list];
        """);
}
