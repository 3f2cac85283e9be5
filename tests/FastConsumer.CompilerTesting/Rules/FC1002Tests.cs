using FastConsumer.CompilerTesting.Verification;
using Microsoft.CodeAnalysis;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC1002Tests
{
    [Theory]
    [InlineData("[OnRecord] void Handle(ReadOnlySpan<byte> data) { }")]
    [InlineData("[OnRecord] ValueTask Handle(ReadOnlySpan<byte> data) => default;")]
    [InlineData("[OnRecord] Task Handle(CancellationToken token, RecordContext context, in KinesisRecord record) => Task.CompletedTask;")]
    [InlineData("[OnRecord] static void Handle(string text, CancellationToken token = default) { }")]
    [InlineData("[OnRecord] void Handle(Google.Protobuf.WellKnownTypes.Timestamp time) { }")]
    [InlineData("[OnRecord] void Handle(string text, [FromServices] IComparable<int> a, [FromServices] System.IO.Stream? b) { }")]
    [InlineData(
        "[OnRecord] void Handle(string text, [Microsoft.Extensions.DependencyInjection.FromKeyedServices(\"a\")] IComparable<int> a) { }")]
    [InlineData(
        "[OnBatch] void Handle(RecordBatch batch, [Microsoft.Extensions.DependencyInjection.FromKeyedServices(null)] string? a) { }")]
    [InlineData("[OnRecord] void Handle(string text, System.Data.Common.DbTransaction transaction) { }")]
    [InlineData("[OnBatch] void Handle(RecordBatch batch, [SinkTransaction] List<int> unitOfWork) { }")]
    [InlineData("[OnRecord] void Handle([Deserializer(typeof(Reader))] List<int> numbers) { }")]
    [InlineData("[OnRecord] void Handle([Deserializer(typeof(Reader))] IEnumerable<int> numbers) { }")]
    [InlineData("[OnRecord] void Handle([Deserializer(typeof(IRecordDeserializer<object>))] object anything) { }")]
    [InlineData("[OnBatch] void Handle(RecordBatch batch, BatchContext context, CancellationToken token) { }")]
    [InlineData("[OnBatch] Task Handle(ReadOnlyMemory<ReadOnlyMemory<byte>> batch) => Task.CompletedTask;")]
    [InlineData("[OnBatch] ValueTask Handle(ReadOnlyMemory<KinesisRecord> batch, [FromServices] IComparable<int> a) => default;")]
    [InlineData("[OnBatch] void Handle([Deserializer(typeof(Reader))] ReadOnlyMemory<List<int>> batch) { }")]
    [InlineData("[OnRecord] void Handle(string text) { } [OnShardStarted, OnStopping] void Stage() { } "
        + "[OnShardEnded] Task End(CancellationToken token, ShardContext shard) => Task.CompletedTask;")]
    public Task What_can_be_bound_is_fine(string methods) => RuleVerifier.VerifyAsync("FC1002", Processor(methods));

    [Theory]
    [InlineData("[OnRecord] void Handle(string text) { } [Filter] bool [|Choose|](string text) => true;", "is no filter")]
    [InlineData("[OnRecord] void Handle(string text) { } [Filter] static int [|Choose|](string text) => 1;", "is no filter")]
    [InlineData("[OnRecord] void Handle(string text) { } [Filter] static bool [|Choose|](string text, int more) => true;", "is no filter")]
    [InlineData("[OnRecord] void Handle(string text) { } [Filter] static bool [|Choose|](ref string text) => true;", "is no filter")]
    [InlineData("[OnRecord] void Handle(System.IO.Stream [|data|]) { }", "lie in memory, so there is no Stream. Take ReadOnlyMemory<byte>")]
    [InlineData("[OnRecord] void Handle(System.IO.MemoryStream [|data|]) { }", "no Stream")]
    [InlineData("[OnRecord] void Handle(System.Buffers.ReadOnlySequence<byte> [|data|]) { }", "in one piece")]
    [InlineData("[OnRecord] void Handle(KinesisRecord? [|record|]) { }", "a record is never null. Take KinesisRecord")]
    [InlineData("[OnRecord] void Handle(ReadOnlyMemory<byte>? [|data|]) { }", "Take ReadOnlyMemory<byte>")]
    [InlineData("[OnBatch] void Handle(ReadOnlyMemory<KinesisRecord?> [|batch|]) { }", "a record is never null")]
    [InlineData("[OnBatch] void Handle(ReadOnlyMemory<System.IO.Stream> [|batch|]) { }", "no Stream")]
    [InlineData(
        "[OnRecord] void Handle(string text, [FromServices] CancellationToken [|token|]) { }", "is no service: each call brings its own")]
    [InlineData("[OnRecord] void Handle(string text, [FromServices] RecordContext [|context|]) { }", "is no service")]
    [InlineData("[OnBatch] void Handle(RecordBatch batch, [FromServices] CancellationToken [|token|]) { }", "is no service")]
    [InlineData("[OnRecord] void [|Handle|]() { }", "takes no payload")]
    [InlineData("[OnRecord] void [|Handle|](RecordContext context, CancellationToken token) { }", "takes no payload")]
    [InlineData("[OnBatch] void [|Handle|](BatchContext context) { }", "takes no payload")]
    [InlineData("[OnRecord] void Handle(string text, KinesisRecord [|record|]) { }", "two payloads, 'text' and 'record'")]
    [InlineData(
        "[OnRecord] void Handle(string text, System.Data.Common.DbTransaction a, [SinkTransaction] List<int> [|b|]) { }",
        "two transactions, 'a' and 'b'")]
    [InlineData("[OnRecord] void Handle(string text, [SinkTransaction] int [|number|]) { }", "int is no class")]
    [InlineData("[OnRecord] void [|Handle|](System.Data.Common.DbTransaction transaction) { }", "takes no payload")]
    [InlineData("[OnRecord] int [|Handle|](string text) => 1;", "returns int")]
    [InlineData("[OnRecord] Task<int> [|Handle|](string text) => Task.FromResult(1);", "returns System.Threading.Tasks.Task<int>")]
    [InlineData("[OnRecord] async void [|Handle|](string text) => await Task.Yield();", "async void")]
    [InlineData("[OnRecord] void [|Handle|]<T>(string text) { }", "type parameters")]
    [InlineData("[OnRecord] void Handle(ref string [|text|]) { }", "by reference")]
    [InlineData("[OnRecord] void Handle(params string[] [|texts|]) { }", "params")]
    [InlineData("[OnRecord] void Handle(byte[] [|data|]) { }", "ReadOnlyMemory<byte>")]
    [InlineData("[OnRecord] void Handle(Span<byte> [|data|]) { }", "ReadOnlyMemory<byte>")]
    [InlineData("[OnRecord] void Handle(ReadOnlySpan<char> [|data|]) { }", "no payload can be read as System.ReadOnlySpan<char>")]
    [InlineData("[OnRecord] void Handle(Action [|callback|]) { }", "[FromServices]")]
    [InlineData(
        "[OnRecord] void Handle(string text, [Microsoft.Extensions.DependencyInjection.FromKeyedServices] Action [|act|]) { }",
        "Give the key")]
    [InlineData(
        "[OnRecord] void Handle(string text, [Microsoft.Extensions.DependencyInjection.FromKeyedServices(new[] { 1 })] Action [|act|]) { }",
        "an array")]
    [InlineData("[OnRecord] void Handle(dynamic [|anything|]) { }", "dynamic")]
    [InlineData("[OnRecord] unsafe void Handle(int* [|pointer|]) { }", "int*")]
    [InlineData("[OnRecord] void Handle(string text, BatchContext [|context|]) { }", "BatchContext to [OnBatch]")]
    [InlineData("[OnRecord] void Handle(RecordBatch [|batch|]) { }", "belongs to [OnBatch]")]
    [InlineData("[OnBatch] void Handle(string [|text|]) { }", "ReadOnlyMemory<T>")]
    [InlineData("[OnBatch] void Handle(ReadOnlyMemory<byte> [|data|]) { }", "payload of one record")]
    [InlineData("[OnRecord] void Handle([Deserializer(typeof(LocalReader))] List<int> [|numbers|]) { }", "local to its file")]
    [InlineData("[OnRecord] void Handle(Google.Protobuf.IMessage [|message|]) { }", "static Parser")]
    [InlineData("[OnRecord] void Handle([Deserializer(typeof(string))] List<int> [|numbers|]) { }", "does not implement")]
    [InlineData("[OnRecord] void Handle([Deserializer(typeof(Reader))] List<long> [|numbers|]) { }", "does not implement")]
    [InlineData(
        "[OnRecord] void Handle([Deserializer(typeof(IRecordDeserializer<>))] List<long> [|numbers|]) { }",
        "names no type that can be created")]
    [InlineData("[OnRecord] void Handle([Deserializer(typeof(NullReader))] string [|text|]) { }", "may return null")]
    [InlineData(
        "[OnRecord] void Handle(string text) { } [OnStopping] void Stop(string [|text|]) { }", "ShardContext and a CancellationToken")]
    [InlineData("[OnRecord] void Handle(string text) { } [OnStopping] async void [|Stop|]() => await Task.Yield();", "async void")]
    [InlineData("int Number { [OnRecord] [|get|] => 1; }", "cannot be called by its name")]
    public async Task What_cannot_be_bound_is_reported(string methods, string message) =>
        Assert.Contains(message, Assert.Single(await RuleVerifier.VerifyAsync("FC1002", Processor(methods))), StringComparison.Ordinal);

    [Fact]
    public Task A_span_in_an_async_method_is_reported_beside_the_compiler_s_error() => RuleVerifier.VerifyAsync(
        "FC1002",
        Processor("[OnRecord] async Task Handle(ReadOnlySpan<byte> {|CS4012:[|data|]|}) => await Task.Yield();"));

    [Fact]
    public Task A_type_that_does_not_exist_is_the_compiler_s_error_only() => RuleVerifier.VerifyAsync(
        "FC1002",
        Processor("[OnRecord] void Handle({|CS0246:Missing|} missing) { }"));

    [Fact]
    public Task A_type_local_to_its_file_is_the_compiler_s_error_only() => RuleVerifier.VerifyAsync(
        "FC1002",
        Processor("[OnRecord] void {|CS9051:Handle|}(Local local) { }"));

    [Theory]
    [InlineData("[State(\"a\")] partial KeyedState<Total> A { get; }")]
    [InlineData("[State(\"a\", Ttl = \"1.00:00:00\")] public partial KeyedMap<Color, Total> A { get; }")]
    [InlineData("[State(\"a.B_c-9\")] protected internal partial KeyedMap<Guid, Total> A { get; } "
        + "[State(\"b\")] partial KeyedMap<ulong, Old> B { get; }")]
    [InlineData("[State(\"a\"), StateSerializer(typeof(StrangerSerializer))] partial KeyedList<Stranger> A { get; }")]
    [InlineData("[State(\"a\")] partial KeyedState<Total> A { get; } [StateMerge(\"a\")] static Total M(Total a, Total b, Total? c) => a;")]
    [InlineData("[State(\"a\")] partial KeyedMap<int, Old> A { get; } [StateMerge(\"a\")] static Old M(Old a, in Old b, Old? c) => a;")]
    [InlineData("[State(\"a\")] partial KeyedState<int?> A { get; } [StateMerge(\"a\")] static int? M(int? a, int? b, int? c) => a;")]
    [InlineData("[State(\"a\")] partial KeyedState<Total> A { get; } [StateMigration(\"a\", From = 2)] static Total M(Old a) => default;")]
    [InlineData("[State(\"a\")] partial KeyedState<Total> A { get; } [StateMigration(\"a\", From = 1)] static Old M(Total a) => new(1); "
        + "[StateMigration(\"a\", From = 2)] static Total M(Old a) => default;")]
    public Task States_that_can_be_generated_are_fine(string members) =>
        RuleVerifier.VerifyAsync("FC1002", StateSource.Of(StateSource.Handler + members, ", StateVersion = 3"));

    [Theory]
    [InlineData("[State(\"a\")] static partial KeyedState<Total> [|A|] { get; }", "is static, but each shard has its own")]
    [InlineData("[State(\"a\")] partial KeyedState<Total> [|A|] { get; set; }", "has a setter")]
    [InlineData("[State(\"a\")] partial KeyedState<Total> [|A|] { get; init; }", "has a setter")]
    [InlineData("[State(\"a\")] partial KeyedState<Total> [|A|] { set; }", "has a setter")]
    [InlineData(
        "[State(\"a\")] partial List<Total> [|A|] { get; }",
        "A state is a KeyedState<T>, a KeyedMap<TSubKey, T> or a KeyedList<T>")]
    [InlineData("[State(\"a\")] partial KeyedState<Total>? [|A|] { get; }", "and never null")]
    [InlineData("[State(\"a\")] partial KeyedMap<double, Total> [|A|] { get; }", "keys of type double")]
    [InlineData("[State(\"a\")] partial KeyedMap<Total, Total> [|A|] { get; }", "string, an integer type, Guid or an enum")]
    [InlineData("[State(\"a\"), StateSerializer([|typeof(NeedsMore)|])] partial KeyedState<Stranger> A { get; }", "no public constructor")]
    [InlineData("[State(\"a\"), StateSerializer([|typeof(StrangerSerializer)|])] partial KeyedState<Total> A { get; }",
        "does not implement IStateSerializer<Total>")]
    [InlineData("[State(\"a\"), StateSerializer([|typeof(List<>)|])] partial KeyedState<Total> A { get; }", "names no type")]
    [InlineData("[State(\"a\")] partial KeyedState<Total> A { get; } [StateMerge(\"a\")] static Total [|M|](Total a, Total b) => a;",
        "Write it as 'static Total M(Total a, Total b, Total? common)'")]
    [InlineData("[State(\"a\")] partial KeyedState<Total> A { get; } [StateMerge(\"a\")] Total [|M|](Total a, Total b, Total? c) => a;",
        "cannot unite values of 'a'")]
    [InlineData("[State(\"a\")] partial KeyedState<Old> A { get; } [StateMerge(\"a\")] static Old [|M|](Old a, Old b, Old c) => a;",
        "Old? common")]
    [InlineData("[State(\"a\")] partial KeyedState<Total> A { get; } [StateMigration(\"a\", From = 1)] Total [|M|](Old a) => default;",
        "is no migration")]
    [InlineData("[State(\"a\")] partial KeyedState<Total> A { get; } [StateMigration(\"a\", From = 1)] static void [|M|](Old a) { }",
        "is no migration")]
    [InlineData("[State(\"a\")] partial KeyedState<Total> A { get; } [StateMigration(\"a\", From = 1)] static int? [|M|](Old a) => 1;",
        "neither the type of the state 'a', Total, nor what a migration of a later version takes")]
    public async Task States_that_cannot_be_generated_are_reported(string members, string message) => Assert.Contains(
        message,
        Assert.Single(await RuleVerifier.VerifyAsync("FC1002", StateSource.Of(StateSource.Handler + members, ", StateVersion = 3"))),
        StringComparison.Ordinal);

    [Fact]
    public async Task A_state_whose_other_part_the_user_wrote_is_reported() => Assert.Contains(
        "has both parts already",
        Assert.Single(await RuleVerifier.VerifyAsync("FC1002", StateSource.Of(
            StateSource.Handler + "[State(\"a\")] partial KeyedState<Total> [|A|] { get; } partial KeyedState<Total> A => null!;"))),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("[Output(\"a\")] partial Output<Row> A { get; }")]
    [InlineData("[Output(\"a.B_c-9\")] protected internal partial Output<Stranger?> A { get; } "
        + "[Output(\"b\")] partial Output<int?> B { get; }")]
    [InlineData("[Output(\"a\")] public partial {|FC5002:Output<(int, List<string>)>|} A { get; }")]
    public Task Outputs_that_can_be_generated_are_fine(string members) => RuleVerifier.VerifyAsync(
        "FC1002", StateSource.Of(StateSource.Handler + members).Replace(", JsonContext = typeof(Json)", "", StringComparison.Ordinal));

    [Theory]
    [InlineData("[Output(\"a\")] static partial Output<Row> [|A|] { get; }", "The output 'A' is static, but each shard has its own")]
    [InlineData("[Output(\"a\")] partial Output<Row> [|A|] { get; set; }", "has a setter")]
    [InlineData("[Output(\"a\")] partial Output<Row> [|A|] { get; init; }", "has a setter")]
    [InlineData("[Output(\"a\")] partial Output<Row> [|A|] { set; }", "has a setter")]
    [InlineData("[Output(\"a\")] partial List<Row> [|A|] { get; }", "An output is an Output<T>, and never null")]
    [InlineData("[Output(\"a\")] partial KeyedState<Total> [|A|] { get; }", "An output is an Output<T>")]
    [InlineData("[Output(\"a\")] partial Output<Row>? [|A|] { get; }", "and never null")]
    [InlineData("[State(\"a\")] partial Output<Row> [|A|] { get; }", "A state is a KeyedState<T>")]
    [InlineData(
        "[Output(\"a\")] partial Output<Row> [|A|] { get; } partial Output<Row> A => null!;", "'A' has both parts already")]
    public async Task Outputs_that_cannot_be_generated_are_reported(string members, string message) => Assert.Contains(
        message,
        Assert.Single(await RuleVerifier.VerifyAsync("FC1002", StateSource.Of(StateSource.Handler + members))),
        StringComparison.Ordinal);

    // the property's other part cannot mend these: the compiler reports them too
    [Theory]
    [InlineData("[Output(\"a\")] partial Output<Row> this[int at] { get; }", "an output is a property without parameters")]
    [InlineData("[Output(\"a\")] partial ref Output<Row> A { get; }", "The output 'A' is returned by reference")]
    [InlineData("[Output(\"a\")] partial Output<Row> A { get; } = null!;", "The output 'A' has an initializer")]
    public async Task Outputs_of_other_forms_are_reported(string output, string message)
    {
        GeneratorRun run = GeneratorRun.Of(Compilations.Create(("Test.cs", StateSource.Of(StateSource.Handler + output)
            .Replace("static class Startup { static void Start() => Host.AddProcessor<P>(); }", "", StringComparison.Ordinal))));

        Diagnostic finding = Assert.Single(await RuleVerifier.AnalyzeAsync(run.Output), diagnostic => diagnostic.Id == "FC1002");

        Assert.Contains(message, finding.GetMessage(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    private static string Processor(string methods) =>
        $$"""
        using FastConsumer;

        file class Local { }

        file class LocalReader : Reader { }

        class Reader : IRecordDeserializer<List<int>>
        {
            public List<int> Deserialize(KinesisRecord record) => [];
        }

        class NullReader : IRecordDeserializer<string?>
        {
            public string? Deserialize(KinesisRecord record) => null;
        }

        [KinesisProcessor("s")]
        partial class P { {{methods}} }

        static class Startup { static void Start() => Host.AddProcessor<P>(); }
        """;
}
