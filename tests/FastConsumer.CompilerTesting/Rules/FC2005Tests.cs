using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC2005Tests
{
    private const string Fields =
        """
        List<KinesisRecord> _records = []; Dictionary<int, ReadOnlyMemory<byte>> _map = []; ReadOnlyMemory<byte> _data; Action? _action;
        object? _any; KinesisRecord[] _array = new KinesisRecord[1]; string? _text; byte[]? _bytes; Queue<(int, KinesisRecord)> _queue = [];
        event Action? Happened;

        """;

    [Theory]
    [InlineData("_records.Add([|record|]);")]
    [InlineData("_map[1] = [|record.Data|];")]
    [InlineData("_data = [|record.Data.Slice(1, 2)|];")]
    [InlineData("_array[0] = [|record|];")]
    [InlineData("_any = [|record|];")]
    [InlineData("_any = [|(1, record.Data)|];")]
    [InlineData("_any = [|new[] { record }|];")]
    [InlineData("var copy = record; var other = copy; _records.Add([|other|]);")]
    [InlineData("_data = [|record.Data.Length > 3 ? record.Data : default|];")]
    [InlineData("_queue.Enqueue([|(1, record)|]);")]
    [InlineData("_action = [|() => Console.WriteLine(record.SubSequenceNumber)|];")]
    [InlineData("var list = new List<KinesisRecord>(); list.Add(record); _any = [|list|];")]
    [InlineData("void Keep(KinesisRecord kept) => _any = [|kept|]; Keep(record);")]
    [InlineData("Keep(record);")]
    [InlineData("_data = [|First(record)|];")]
    [InlineData("P other = this; other._data = [|record.Data|];")]
    [InlineData("_any = [|new Holder { Record = record }|];")]
    [InlineData("_data = [|record.Data[1..]|];")]
    [InlineData("Interlocked.Increment(ref s_count); s_all.Enqueue([|record|]);")]
    [InlineData("_holder.Record = [|record|];")]
    [InlineData("_any = [|Tuple.Create(1, record)|];")]
    [InlineData("_any = [|System.Collections.Immutable.ImmutableList.Create(record)|];")]
    [InlineData("_records.AddRange([|[record]|]);")]
    [InlineData("_source.TrySetResult([|record|]);")]
    public Task What_keeps_a_view_is_reported(string body) => RuleVerifier.VerifyBodyAsync(
        "FC2005",
        Source(body, body == "Keep(record);" ? "_any = [|record|];" : ""));

    [Theory]
    [InlineData("_records.Add(record.ToOwned());")]
    [InlineData("_bytes = record.Data.ToArray();")]
    [InlineData("_text = Encoding.UTF8.GetString(record.DataSpan);")]
    [InlineData("var list = new List<KinesisRecord> { record }; foreach (var one in list) Console.WriteLine(one.SubSequenceNumber);")]
    [InlineData("Action now = () => Console.WriteLine(record.SubSequenceNumber); now();")]
    [InlineData("ReadOnlyMemory<byte> data = record.Data; data = data.Slice(1); _text = data.Length.ToString();")]
    [InlineData("_any = record.SequenceNumber;")]
    [InlineData("_records.Clear(); _any = _records.Count;")]
    [InlineData("var holder = new Holder { Record = record }; Console.WriteLine(holder.Record.SubSequenceNumber);")]
    [InlineData("Span<byte> start = stackalloc byte[4]; record.DataSpan[..4].CopyTo(start); _any = start[0];")]
    public Task What_copies_or_ends_with_the_call_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC2005", Source(body, ""));

    [Fact]
    public Task A_batch_s_memory_is_borrowed_and_its_texts_are_not() => RuleVerifier.VerifyBodyAsync(
        "FC2005",
        HandlerSource.Of("ReadOnlyMemory<string> _all; string? _one; [OnBatch] void Handle(ReadOnlyMemory<string> batch) { _all = [|batch|]; _one = batch.Span[0]; }"));

    [Fact]
    public async Task The_message_names_the_value_and_the_remedy() => Assert.Equal(
        ["'record' is kept in '_records', but it is a view of memory that is returned when the handler's call ends. Keep a copy: ToOwned()."],
        await RuleVerifier.VerifyBodyAsync("FC2005", Source("_records.Add([|record|]);", "")));

    private static string Source(string body, string keep) => HandlerSource.Of(
        $$"""
        {{Fields}}
        class Holder { public KinesisRecord Record { get; set; } }
        readonly Holder _holder = new(); readonly TaskCompletionSource<KinesisRecord> _source = new(); static int s_count; static readonly ConcurrentQueue<KinesisRecord> s_all = [];
        [OnRecord] void Handle(KinesisRecord record) { {{body}} }
        void Keep(KinesisRecord record) { {{keep}} }
        static ReadOnlyMemory<byte> First(KinesisRecord record) => record.Data.Slice(0, 1);
        object?[] Fields2() => [_data, _action, _any, _text, _bytes, Happened];
        """);
}
