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
    public Task Writing_to_statics_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC3003", Source(body, body == "Bump();" ? "[|s_count|]--" : "s_safe.Clear()"));

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
            "'_count' belongs to the shard, whose lanes run in parallel; here it is written to without a lock: updates are lost, or the collection breaks. Use Interlocked or a concurrent collection, or lock.",
            Assert.Single(messages));
    }

    [Fact]
    public async Task What_is_static_can_be_the_processor_s_own()
    {
        IReadOnlyList<string> messages = await RuleVerifier.VerifyBodyAsync("FC3003", HandlerSource.Of("static int s_count; [OnRecord] void Handle(string text) => [|s_count|]++;"));
        Assert.Equal(
            "'P.s_count' is static, so all shards share it; here it is written to without a lock: updates are lost, or the collection breaks. Keep it in the processor (there is one per shard), use Interlocked or a concurrent collection, or lock.",
            Assert.Single(messages));
    }

    private static string Source(string body, string bump) => HandlerSource.Of(
        $$"""
        static int s_count; static string? s_last; static readonly List<string> s_list = []; static readonly Dictionary<string, int> s_map = [];
        static readonly ConcurrentDictionary<string, int> s_safe = []; [ThreadStatic] static int t_own; static readonly SemaphoreSlim s_gate = new(1);
        int _count; List<string> _list = []; static string? Other { get; set; }
        [OnRecord] void Handle(string text) { {{body}} }
        static void Bump() => {{bump}};
        object?[] All() => [s_count, s_last, s_map, t_own, _count, _list];
        """);
}
