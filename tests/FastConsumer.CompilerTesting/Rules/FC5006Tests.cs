using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC5006Tests
{
    [Theory]
    [InlineData("_value = [|A.Of(context)|];")]
    [InlineData("var value = A.Of(context); _value = [|value|];")]
    [InlineData("{|FC3003:s_any|} = [|A.Of(context)|];")]
    [InlineData("_all.Add([|A.Of(context)|]);")]
    [InlineData("_array[0] = [|A.Of(context)|];")]
    [InlineData("var value = A.Of(context); _later = [|() => value.Clear()|];")]
    [InlineData("var value = A.Of(context); _work.Enqueue([|() => value.Clear()|]);")]
    [InlineData("_holder.Value = [|A.Of(context)|];")]
    public Task What_is_kept_beyond_the_call_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC5006", Source(body));

    [Theory]
    [InlineData("var value = A.Of(context); value.Set(new Total(value.Value.Count + 1));")]
    [InlineData("var value = A.Of(context); await Task.Yield(); value.Clear();")]
    [InlineData("_total = A.Of(context).Value; _exists = A.Of(context).Exists;")]
    [InlineData("var value = A.Of(context); await Task.Run(() => value.Clear());")]
    [InlineData("var all = new List<StateValue<Total>>(); all.Add(A.Of(context)); new Holder { Value = A.Of(context) }.Use();")]
    [InlineData("Add(A.Of(context)); StateValue<Total> Get() => A.Of(context); Get().Clear();")]
    [InlineData("_later = () => Console.WriteLine(1);")]
    public Task What_ends_with_the_call_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC5006", Source(body));

    [Theory]
    [InlineData("await context.CheckpointAsync(token); [|A.Of(context)|].Clear();")]
    [InlineData("var value = A.Of(context); await context.CheckpointAsync(token); [|value.Clear()|];")]
    [InlineData("var value = A.Of(context); await context.CheckpointAsync(token); if (text == \"\") { _total = [|value.Value|]; }")]
    [InlineData("if (text == \"\") { await context.CheckpointAsync(token); Add([|A.Of(context)|]); }")]
    [InlineData("if (text == \"\") { await context.CheckpointAsync(token); } [|A.Of(context)|].Clear();")]
    public Task What_follows_a_checkpoint_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC5006", Source(body));

    [Theory]
    [InlineData("A.Of(context).Clear(); await context.CheckpointAsync(token);")]
    [InlineData("if (text == \"\") { await context.CheckpointAsync(token); return; } A.Of(context).Clear();")]
    [InlineData("if (text == \"\") { await context.CheckpointAsync(token); } else { A.Of(context).Clear(); }")]
    [InlineData("void F() => A.Of(context).Clear(); F(); await context.CheckpointAsync(token); void G() => A.Of(context).Clear();")]
    public Task A_checkpoint_behind_the_change_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC5006", Source(body));

    private static string Source(string body) => StateSource.Of(
        $$"""
        StateValue<Total> _value; static object? s_any; List<StateValue<Total>> _all = [];
        StateValue<Total>[] _array = new StateValue<Total>[1];
        Action? _later; Queue<Action> _work = []; Holder _holder = new(); Total _total; bool _exists;
        [State("a")] partial KeyedState<Total> A { get; }
        [OnRecord] async Task Handle(string text, RecordContext context, CancellationToken token) { await Task.CompletedTask; {{body}} }
        void Add(StateValue<Total> value) => value.Set(default);
        class Holder { public StateValue<Total> Value { get; set; } public void Use() => Value.Clear(); }
        """,
        attributes: "[OnError(typeof(Exception), ErrorAction.Stop)]")
        .Replace("static class Startup { static void Start() => Host.AddProcessor<P>(); }", "", StringComparison.Ordinal);
}
