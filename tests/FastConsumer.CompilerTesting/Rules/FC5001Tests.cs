using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC5001Tests
{
    private const string State = "[State(\"a\")] private partial KeyedState<Total> A { get; }";

    private const string Fields =
        """
        int _count; long Sum { get; set; } readonly HashSet<string> _seen = []; readonly Dictionary<string, int> _counts = [];
        readonly List<string> _texts = []; int[] _perLength = new int[9]; static int s_count;
        readonly System.Collections.Concurrent.ConcurrentDictionary<string, int> _parallel = new();
        System.Collections.Immutable.ImmutableHashSet<string> _names = [];

        """;

    [Theory]
    [InlineData("if ([|_count|]++ > 3) A.Of(context).Clear();")]
    [InlineData("[|Sum|] += text.Length; A.Of(context).Set(new Total((int)Sum));")]
    [InlineData("[|_count|] = _count + 1; A.Of(context).Set(new Total(_count));")]
    [InlineData("if ([|_seen|].Add(text)) A.Of(context).Clear();")]
    [InlineData("[|_texts|].Add(text); if (_texts.Count > 3) A.Of(context).Clear();")]
    [InlineData("[|_counts|][text] = _counts.GetValueOrDefault(text) + 1; if (_counts.Count > 3) A.Of(context).Clear();")]
    [InlineData("_counts.TryGetValue(text, out int known); [|_counts|][text] = known + 1;")]
    [InlineData("if ([|_counts|][text]++ > 2) A.Of(context).Clear();")]
    [InlineData("[|_perLength|][text.Length] += 1; if (_perLength[3] > 2) A.Of(context).Clear();")]
    [InlineData("if ([|_parallel|].AddOrUpdate(text, 1, (_, old) => old + 1) > 2) A.Of(context).Clear();")]
    [InlineData("if (!_names.Contains(text)) [|_names|] = _names.Add(text);")]
    public Task What_a_handler_accumulates_and_goes_by_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC5001", Source(body));

    [Theory]
    [InlineData("_count++;")]
    [InlineData("_counts[text] = _counts.GetValueOrDefault(text) + 1; _texts.Add(text);")]
    [InlineData("if (++_count % 1000 == 0) Console.WriteLine(_count);")]
    [InlineData("_count++; log.LogInformation(\"{Count}\", _count);")]
    [InlineData("if (_count++ > 3) { A.Of(context).Clear(); _count = 0; }")]
    [InlineData("Interlocked.Increment(ref _count); if (_count > 3) A.Of(context).Clear();")]
    [InlineData("if (!_counts.TryGetValue(text, out int known)) { known = text.Length; _counts[text] = known; }")]
    [InlineData("if (!_counts.ContainsKey(text)) _counts.Add(text, text.Length);")]
    [InlineData("_parallel.AddOrUpdate(text, 1, (_, _) => 1); _parallel.GetOrAdd(text, key => key.Length);")]
    [InlineData("_texts.Clear(); _texts.Add(text);")]
    [InlineData("if (_seen.Add(text)) log.LogWarning(\"first {Text}\", text);")]
    [InlineData("var own = new List<string>(); own.Add(text); int count = 0; count++; if (count > 1) own.Clear();")]
    [InlineData("var total = A.Of(context); total.Set(new Total(total.Value.Count + 1)); total.Edit() = default;")]
    [InlineData("s_names ??= new(); Sum = text.Length; if (Sum > 1) A.Of(context).Clear(); } static List<string>? s_names; void Other() {")]
    public Task What_may_be_lost_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC5001", Source(body));

    [Fact]
    public Task Nothing_is_reported_without_state() => RuleVerifier.VerifyBodyAsync(
        "FC5001", Source("if (_seen.Add(text) && _count++ > 3) Console.WriteLine();").Replace(State, "", StringComparison.Ordinal));

    [Fact]
    public Task The_life_cycle_may_count() => RuleVerifier.VerifyBodyAsync(
        "FC5001", Source("if (_count > 1) A.Of(context).Clear(); } [OnShardStarted] void Start() { _count++; "));

    private static string Source(string body) => StateSource.Of(
        $"{State}\n{Fields}\n[OnRecord] void Handle(string text, RecordContext context) {{ {body} }}\n"
            + "public int Count => _count + s_count;",
        attributes: "[OnError(typeof(Exception), ErrorAction.Stop)]",
        bases: "(Microsoft.Extensions.Logging.ILogger<P> log)")
        .Replace("using FastConsumer;", "using FastConsumer;\nusing Microsoft.Extensions.Logging;", StringComparison.Ordinal)
        .Replace("static class Startup { static void Start() => Host.AddProcessor<P>(); }", "", StringComparison.Ordinal);
}
