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

    [Theory]
    [InlineData("_any = [|new Box(record.Data)|];")]
    [InlineData("_any = [|new Slot(record.Data)|];")]
    [InlineData("_any = [|new Captures(record)|];")]
    [InlineData("_any = [|new Property(record.Data)|];")]
    [InlineData("_any = [|JsonDocument.Parse(record.Data)|];")]
    [InlineData("var doc = JsonDocument.Parse(record.Data); _any = [|doc.RootElement.GetProperty(\"a\")|];")]
    [InlineData("_element = [|JsonDocument.Parse(record.Data).RootElement|];")]
    [InlineData("_any = [|new ReadOnlyMemoryContent(record.Data)|];")]
    [InlineData("_any = [|new HttpRequestMessage { Content = new ReadOnlyMemoryContent(record.Data) }|];")]
    [InlineData("var list = new List<KinesisRecord>(); list.Add(record); foreach (var one in list) _records.Add([|one|]);")]
    [InlineData(
        "var list = new List<(int, KinesisRecord)>(); list.Add((1, record)); foreach (var (n, one) in list) _records.Add([|one|]);")]
    [InlineData("var list = new List<KinesisRecord> { record }; _any = [|list.ToArray()|];")]
    [InlineData("var list = new List<KinesisRecord> { record }; _any = [|list.Select(one => one.Data).ToList()|];")]
    [InlineData("var pair = new Pair(1, default); _any = [|pair with { Data = record.Data }|];")]
    [InlineData("var pair = new Pair(1, record.Data); _any = [|pair with { Id = 2 }|];")]
    [InlineData("var (key, data) = (record.PartitionKey, record.Data); _data = [|data|]; _text = key;")]
    [InlineData("(_text, _data) = (record.PartitionKey, [|record.Data|]);")]
    [InlineData("Interlocked.Exchange(ref _any, [|new Box(record.Data)|]);")]
    [InlineData("_ = {|FC2003:sender.SendAsync([|record.Data|])|};")]
    [InlineData("{|FC2003:KeepLaterAsync([|record|])|};")]
    [InlineData("ReadOnlyMemory<byte> m = default; if (record.Data.Length > 3) m = record.Data; _data = [|m|];")]
    [InlineData("var m = record.Data; while (_text is null) { _data = [|m|]; m = m.ToArray(); m = record.Data; }")]
    public Task A_holder_of_a_view_is_one(string body) => RuleVerifier.VerifyBodyAsync("FC2005", Holders(body));

    [Theory]
    [InlineData("var m = record.Data; m = m.ToArray(); _data = m;")]
    [InlineData("var copy = record; copy = copy.ToOwned(); _records.Add(copy);")]
    [InlineData("record = record.ToOwned(); _records.Add(record);")]
    [InlineData("var m = record.Data; if (m.Length > 3) { m = m.ToArray(); _data = m; }")]
    [InlineData("var list = new List<KinesisRecord> { record }; list = []; _any = list;")]
    [InlineData("_any = new Length(record.Data);")]
    [InlineData("_any = new Box(record.Data.ToArray());")]
    [InlineData("var pair = new Pair(1, record.Data); _any = pair with { Data = pair.Data.ToArray() };")]
    [InlineData("using var doc = JsonDocument.Parse(record.Data); _element = doc.RootElement.Clone(); "
        + "_text = doc.RootElement.GetProperty(\"a\").GetString();")]
    [InlineData("_any = JsonDocument.Parse(record.Data.ToArray());")]
    [InlineData("_any = JsonSerializer.Deserialize<JsonElement>(record.DataSpan);")]
    [InlineData("var list = new List<KinesisRecord> { record }; _any = list.Select(one => one.ToOwned()).ToList();")]
    [InlineData("var list = new List<KinesisRecord> { record }; _any = list.Select(one => one.Data.Length).ToList(); "
        + "_bytes = list[0].Data.ToArray();")]
    [InlineData("if (System.Runtime.InteropServices.MemoryMarshal.TryGetArray(record.Data, out var segment)) _any = segment.Array;")]
    [InlineData("{|FC2003:LengthAsync(record)|};")]
    [InlineData("var box = new Box(record.Data); box.Put(record.Data); _text = box.ToString();")]
    [InlineData("using var content = new ReadOnlyMemoryContent(record.Data); sender.Take(content);")]
    public Task One_that_ends_with_the_call_or_copies_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC2005", Holders(body));

    [Theory]
    [InlineData("string[]? _all; [OnBatch] void Handle(ReadOnlyMemory<string> batch) { if "
        + "(System.Runtime.InteropServices.MemoryMarshal.TryGetArray(batch, out var segment)) _all = [|segment.Array|]; }")]
    [InlineData("ArraySegment<string> _all; [OnBatch] void Handle(ReadOnlyMemory<string> batch) { "
        + "System.Runtime.InteropServices.MemoryMarshal.TryGetArray(batch, out ArraySegment<string> segment); _all = [|segment|]; }")]
    [InlineData("object? _all; [OnBatch] void Handle(ReadOnlyMemory<string> batch) { _all = batch.ToArray(); }")]
    [InlineData("record Item(JsonElement Body); object? _one; [OnBatch] void Handle([Deserializer(typeof(ItemReader))] "
        + "ReadOnlyMemory<Item> batch) { _one = batch.Span[0]; foreach (Item item in batch.Span) _one = item; } class ItemReader : "
        + "IRecordDeserializer<Item> { public Item Deserialize(KinesisRecord record) => new(default); }")]
    [InlineData("List<KinesisRecord> _kept = []; [OnBatch] void Handle(RecordBatch batch) { var own = new List<KinesisRecord>(); "
        + "foreach (var one in batch) own.Add(one); foreach (var one in own) { _kept.Add([|one|]); } }")]
    public Task Payloads_of_a_batch_lie_in_an_array_that_is_lent(string members) =>
        RuleVerifier.VerifyBodyAsync("FC2005", HandlerSource.Of(members));

    // the sink gets it after the call
    [Theory]
    [InlineData("Views.Add(context, [|record.Data|]);")]
    [InlineData("var data = record.Data[1..]; Views.Add(context, [|data|]);")]
    public Task What_an_output_is_given_is_kept(string body) => RuleVerifier.VerifyBodyAsync("FC2005", Output(body));

    [Theory]
    [InlineData("Views.Add(context, record.Data.ToArray());")]
    [InlineData("Lengths.Add(context, record.Data.Length);")]
    public Task A_copy_in_an_output_is_fine(string body) => RuleVerifier.VerifyBodyAsync("FC2005", Output(body));

    private static string Output(string body) =>
        $$"""
        using System.Text.Json.Serialization;
        using FastConsumer;

        // the generators run where there is one
        [JsonSerializable(typeof(int))] partial class Json : JsonSerializerContext;

        [KinesisProcessor("s")]
        partial class P
        {
            [Output("views")] private partial Output<ReadOnlyMemory<byte>> Views { get; }
            [Output("lengths")] private partial Output<int> Lengths { get; }
            [OnRecord] void Handle(KinesisRecord record, RecordContext context) { {{body}} }
        }
        """;

    private static string Holders(string body) =>
        Source(body, "").Replace("_any = Happened", "_any = Happened", StringComparison.Ordinal).Replace(
            "[OnRecord] void",
            """
        public interface ISender { Task SendAsync(ReadOnlyMemory<byte> data); void Take(HttpContent content); }
        readonly ISender sender = null!; JsonElement _element;
        class Box { ReadOnlyMemory<byte> _data; public Box(ReadOnlyMemory<byte> data) { _data = data; } public void Put(ReadOnlyMemory<byte> data) => _data = data; public override string ToString() => _data.Length.ToString(); }
        readonly struct Slot { readonly ReadOnlyMemory<byte> _data; public Slot(ReadOnlyMemory<byte> data) => _data = data; public int Size => _data.Length; }
        class Captures(KinesisRecord record) { public int Size => record.Data.Length; }
        class Property(ReadOnlyMemory<byte> data) { public ReadOnlyMemory<byte> Data { get; } = data; }
        class Length(ReadOnlyMemory<byte> data) { public int Size { get; } = data.Length; }
        record Pair(int Id, ReadOnlyMemory<byte> Data);
        async Task KeepLaterAsync(KinesisRecord kept) { await Task.Yield(); _text = kept.PartitionKey; }
        async Task LengthAsync(KinesisRecord kept) { _text = kept.PartitionKey; await Task.Yield(); }
        [OnRecord] [OnError(typeof(Exception), ErrorAction.Stop)] void
        """,
            StringComparison.Ordinal).Replace("object?[] Fields2() => [", "object?[] Fields2() => [_element, ", StringComparison.Ordinal);

    [Fact]
    public Task A_batch_s_memory_is_borrowed_and_its_texts_are_not() => RuleVerifier.VerifyBodyAsync(
        "FC2005",
        HandlerSource.Of("ReadOnlyMemory<string> _all; string? _one; [OnBatch] void Handle(ReadOnlyMemory<string> batch) { _all = "
            + "[|batch|]; _one = batch.Span[0]; }"));

    [Fact]
    public async Task The_message_names_the_value_and_the_remedy() => Assert.Equal(
        ["'record' is kept in '_records', but it is a view of memory that is returned when the handler's call ends. "
            + "Keep a copy: ToOwned()."],
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
