using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC5005Tests
{
    [Theory]
    [InlineData("[OnRecord] void Handle(string text) => A.Of([|default|]).Clear();", "an empty context belongs to no record")]
    [InlineData("[OnRecord] void Handle(string text) => A.Of([|new RecordContext()|]).Clear();", "an empty context")]
    [InlineData(
        "[OnRecord] void Handle(string text) => Add(); void Add() => M.Of([|default(RecordContext)|]).Clear();",
        "an empty context")]
    [InlineData("RecordContext _last; [OnRecord] void Handle(string text) => L.Of([|_last|]).Clear();", "a context that was kept")]
    [InlineData(
        "[OnRecord] void Handle(string text) { } RecordContext Last { get; set; } [OnShardEnded] void End() => A.Of([|Last|]).Clear();",
        "'End' belongs to the life cycle")]
    public async Task State_without_a_record_is_reported(string members, string message) => Assert.Contains(
        message, Assert.Single(await RuleVerifier.VerifyBodyAsync("FC5005", Source(members))), StringComparison.Ordinal);

    [Theory]
    [InlineData("[OnRecord] void Handle(string text, RecordContext context) => A.Of(context).Clear();")]
    [InlineData("[OnRecord] async Task Handle(string text, RecordContext context) { await Task.Yield(); Add(context); } "
        + "void Add(in RecordContext context) => L.Of(context).Add(default);")]
    [InlineData("record Call(RecordContext Context); [OnRecord] void Handle(string text, RecordContext context) => Do(new Call(context)); "
        + "void Do(Call call) => A.Of(call.Context).Clear();")]
    public Task State_of_a_record_is_fine(string members) => RuleVerifier.VerifyBodyAsync("FC5005", Source(members));

    [Theory]
    [InlineData("[OnRecord] void Handle(string text) => Rows.Add([|default|], new Row(text));", "an empty context belongs to no record")]
    [InlineData("[OnRecord] void Handle(string text) => Rows.Add([|new RecordContext()|], new Row(text));", "an empty context")]
    [InlineData(
        "[OnRecord] void Handle(string text) => Add(text); void Add(string text) => Rows.Add([|default(RecordContext)|], new Row(text));",
        "an empty context")]
    [InlineData("RecordContext _last; [OnRecord] void Handle(string text) => Rows.Add(value: new Row(text), [|context: _last|]);",
        "a context that was kept")]
    [InlineData(
        "[OnRecord] void Handle(string text) { } RecordContext Last { get; set; } "
            + "[OnShardEnded] void End() => Rows.Add([|Last|], new Row(\"\"));",
        "'End' belongs to the life cycle of a shard, which has no record, and so no outputs")]
    public async Task A_value_of_an_output_without_a_record_is_reported(string members, string message)
    {
        string found = Assert.Single(await RuleVerifier.VerifyBodyAsync("FC5005", Outputs(members)));
        Assert.Contains(message, found, StringComparison.Ordinal);
        Assert.Contains("A value of an output is that of a record", found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[OnRecord] void Handle(string text, RecordContext context) => Rows.Add(context, new Row(text));")]
    [InlineData(
        "[OnBatch] void Handle(ReadOnlyMemory<string> texts, BatchContext context) => Rows.Add(context, 0, new Row(texts.Span[0]));")]
    [InlineData("[OnRecord] void Handle(string text, RecordContext context) => Add(context, text); "
        + "void Add(in RecordContext context, string text) => Rows.Add(context, new Row(text));")]
    public Task A_value_of_an_output_with_a_record_is_fine(string members) =>
        RuleVerifier.VerifyBodyAsync("FC5005", Outputs(members));

    private static string Outputs(string members) => StateSource.Of(members + "[Output(\"a\")] partial Output<Row> Rows { get; }")
        .Replace("static class Startup { static void Start() => Host.AddProcessor<P>(); }", "", StringComparison.Ordinal);

    private static string Source(string members) => StateSource.Of(
        members + "[State(\"a\")] partial KeyedState<Total> A { get; } [State(\"m\")] partial KeyedMap<int, Total> M { get; } "
            + "[State(\"l\")] partial KeyedList<Total> L { get; }")
        .Replace("static class Startup { static void Start() => Host.AddProcessor<P>(); }", "", StringComparison.Ordinal);
}
