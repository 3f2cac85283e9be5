using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC5006Tests
{
    private const string State = "[State(\"a\")] partial KeyedState<Total> A { get; }";

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

    [Theory]
    [InlineData("await context.CheckpointAsync(token); [|Rows.Add(context, new Row(text))|];")]
    [InlineData("Rows.Add(context, new Row(text)); await context.CheckpointAsync(token); [|Rows.Add(context, new Row(text))|]; "
        + "Rows.Add(context, new Row(text));")]
    [InlineData("if (text == \"\") { await context.CheckpointAsync(token); } [|Rows.Add(context, new Row(text))|];")]
    public async Task An_output_behind_a_checkpoint_is_reported(string body)
    {
        foreach (string state in new[] { "", State })
        {
            Assert.Contains(
                "CheckpointAsync has ended the outputs of this call",
                Assert.Single(await RuleVerifier.VerifyBodyAsync("FC5006", Outputs(body, state))),
                StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("Rows.Add(context, new Row(text)); await context.CheckpointAsync(token);")]
    [InlineData("if (text == \"\") { await context.CheckpointAsync(token); return; } Rows.Add(context, new Row(text));")]
    [InlineData("_rows.Clear(); await context.CheckpointAsync(token); _rows.Insert(0, new Row(text));")]
    [InlineData("Output<Row> rows = Rows; rows.Add(context, new Row(text)); foreach (Row row in _rows) { rows.Add(context, row); }")]
    [InlineData("Action add = () => Rows.Add(context, new Row(text)); add();")]
    [InlineData("_later = given => Rows.Add(given, new Row(text)); _later(context);")]
    public Task An_output_inside_of_the_call_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC5006", Outputs(body, ""));

    [Theory]
    [InlineData("_work.Enqueue([|() => Rows.Add(context, new Row(text))|]);")]
    [InlineData("_last = [|() => Rows.Add(context, new Row(text))|];")]
    [InlineData("var kept = context; _last = [|() => { if (text != \"\") Rows.Add(kept, new Row(text)); }|];")]
    public async Task A_function_that_adds_to_an_output_later_is_reported(string body) => Assert.Contains(
        "This function adds to an output for one record and is kept for longer than the handler's call",
        Assert.Single(await RuleVerifier.VerifyBodyAsync("FC5006", Outputs(body, ""))),
        StringComparison.Ordinal);

    [Fact]
    public async Task The_state_of_a_record_in_an_output_is_reported() => Assert.Contains(
        "The state of one record is kept for longer",
        Assert.Single(await RuleVerifier.VerifyBodyAsync(
            "FC5006",
            Outputs(
                "States.Add(context, [|A.Of(context)|]);", State + "[Output(\"b\")] partial Output<StateValue<Total>> States { get; }"))),
        StringComparison.Ordinal);

    private static string Outputs(string body, string state) => StateSource.Of(
        $$"""
        readonly List<Row> _rows = []; Action<RecordContext>? _later; Action? _last; readonly Queue<Action> _work = [];
        [Output("a")] partial Output<Row> Rows { get; } {{state}}
        [OnRecord] async Task Handle(string text, RecordContext context, CancellationToken token) { await Task.CompletedTask; {{body}} }
        """,
        attributes: "[OnError(typeof(Exception), ErrorAction.Stop)]")
        .Replace("static class Startup { static void Start() => Host.AddProcessor<P>(); }", "", StringComparison.Ordinal);

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
