using System.Buffers;
using System.Buffers.Binary;
using FastConsumer.Checkpoints;
using FastConsumer.Testing.Harness;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Testing.Tests.Harness;

/// <summary>State in the harness: over a crash, and as the test sees it.</summary>
public sealed class StateHarnessTests
{
    [Fact]
    public async Task State_outlives_a_crash_and_a_split_and_can_be_read()
    {
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<VisitCounter>();
        for (int i = 0; i < 20; i++)
        {
            harness.Put($"visitor-{i % 4}", "x");
        }

        await harness.WaitUntilDoneAsync();
        harness.Put("visitor-0", "x");
        await harness.CrashAsync();
        await harness.RestartAsync();
        await harness.WaitUntilDoneAsync();
        harness.SplitShard(harness.Checkpoints.Keys.Single());
        harness.Put("visitor-0", "x");
        await harness.WaitUntilDoneAsync();

        IReadOnlyList<StoredState> state = await harness.ReadStateAsync();
        Assert.Equal(
            [("visitor-0", 7), ("visitor-1", 5), ("visitor-2", 5), ("visitor-3", 5)],
            state.Select(static entry => (entry.PartitionKey, BinaryPrimitives.ReadInt32LittleEndian(entry.Values[0].Span))).Order());
        Assert.All(state, static entry => Assert.Equal("visits", entry.State));
        Assert.Equal(new CheckpointedValue<int>(true, 7), harness.State<int>("visits", "visitor-0"));
    }

    [Fact]
    public async Task Outputs_that_go_nowhere_are_kept_for_the_test_once_over_a_crash()
    {
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<Receipts>();
        harness.Put("visitor-1", "ann");
        harness.Put("visitor-2", "bob");
        await harness.WaitUntilDoneAsync();
        harness.Put("visitor-1", "eve");
        await harness.CrashAsync();
        await harness.RestartAsync();
        await harness.WaitUntilDoneAsync();

        IReadOnlyList<Positioned<string>> receipts = harness.Outputs<string>("receipts");
        Assert.Equal(["ann 1", "bob 1", "eve 2"], receipts.Select(static one => one.Value).Order(StringComparer.Ordinal));
        Assert.Equal(3, receipts.Select(static one => one.Id).Distinct().Count());
        Assert.All(receipts, static one => Assert.Equal(0, one.Number));
        Assert.Contains(
            "'receipts'", Assert.Throws<ArgumentException>(() => harness.Outputs<string>("receipt")).Message, StringComparison.Ordinal);
        Assert.Contains(
            "Outputs<String>", Assert.Throws<ArgumentException>(() => harness.Outputs<int>("receipts")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_id_of_an_output_is_the_same_when_the_record_is_handled_again()
    {
        List<(string Text, Guid Id, Guid Other)> ids = [];
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<Naming>(services => services.AddSingleton(ids));
        harness.Put("a", "first");
        harness.Put("a", "second");
        await harness.WaitUntilDoneAsync();

        Assert.Equal(["first", "first", "second", "second"], ids.Select(static one => one.Text));
        Assert.Equal(2, ids.Select(static one => one.Id).Distinct().Count());
        Assert.Equal(ids[0].Id, ids[1].Id);
        Assert.Equal(4, ids.SelectMany(static one => new[] { one.Id, one.Other }).Distinct().Count());
        Assert.All(ids, static one => Assert.Equal(8, one.Id.Version));
    }

    [Fact]
    public async Task State_of_each_kind_is_read_by_its_types()
    {
        var made = new Made();
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<Rooms>(services => services.AddSingleton(made));
        harness.Put("hall", "ann");
        harness.Put("hall", "bob");
        harness.Put("hall", "ann");
        harness.Put("hall", "eve", UInt128.MaxValue);
        await harness.WaitUntilDoneAsync();

        CheckpointedValue<int> visits = harness.State<int>("visits", "hall");
        Assert.Equal((true, 4), (visits.Exists, visits.Value));
        Assert.Equal(
            [("ann", 2), ("bob", 1), ("eve", 1)],
            harness.StateMap<string, int>("visitors", "hall").Select(static entry => (entry.Key, entry.Value)).Order());
        Assert.Equal([3, 3, 3, 3], harness.StateList<int>("lengths", "hall"));
        Assert.Equal(default, harness.State<int>("visits", "cellar"));
        Assert.Empty(harness.StateMap<string, int>("visitors", "cellar"));
        Assert.Empty(harness.StateList<int>("lengths", "cellar"));
        // none was made for the reads
        Assert.Equal(1, made.Count);
    }

    [Fact]
    public async Task A_key_in_several_shards_is_read_by_the_explicit_hash_key()
    {
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<Rooms>(
            static services => services.AddSingleton<Made>(), new ProcessorHarnessOptions { ShardCount = 2 });
        harness.Put("hall", "ann", UInt128.Zero);
        harness.Put("hall", "bob", UInt128.MaxValue);
        harness.Put("hall", "eve", UInt128.MaxValue);
        await harness.WaitUntilDoneAsync();

        Assert.Equal(1, harness.State<int>("visits", "hall", UInt128.Zero).Value);
        Assert.Equal(2, harness.State<int>("visits", "hall", UInt128.MaxValue).Value);
        Assert.Equal(["bob", "eve"], harness.StateMap<string, int>("visitors", "hall", UInt128.MaxValue).Keys.Order());
    }

    [Fact]
    public async Task What_is_put_after_an_advance_arrives_later_and_lets_state_expire()
    {
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<Rooms>(
            static services => services.AddSingleton<Made>(),
            new ProcessorHarnessOptions
            {
                Kinesis = new EmbeddedKinesisOptions { Credentials = new EmbeddedKinesisCredentials("key", "secret") },
            });
        harness.Put("hall", "ann");
        await harness.WaitUntilDoneAsync();
        harness.Advance(TimeSpan.FromMinutes(59));
        harness.Put("hall", "bob");
        await harness.WaitUntilDoneAsync();
        Assert.Equal(["ann", "bob"], harness.StateMap<string, int>("visitors", "hall").Keys.Order());

        harness.Advance(TimeSpan.FromMinutes(2));
        // nothing expires before a record says what time it is
        Assert.Equal(2, harness.StateMap<string, int>("visitors", "hall").Count);
        harness.Put("hall", "eve");
        await harness.WaitUntilDoneAsync();
        Assert.Equal(["bob", "eve"], harness.StateMap<string, int>("visitors", "hall").Keys.Order());

        harness.Advance(TimeSpan.FromHours(20));
        await harness.CrashAsync();
        await harness.RestartAsync();
        harness.Put("hall", "dan");
        await harness.WaitUntilDoneAsync();
        Assert.Equal(["dan"], harness.StateMap<string, int>("visitors", "hall").Keys);
        Assert.Equal(4, harness.State<int>("visits", "hall").Value);
        Assert.Throws<ArgumentOutOfRangeException>(() => harness.Advance(TimeSpan.FromTicks(-1)));
    }

    [Fact]
    public async Task What_the_processor_does_not_declare_is_refused()
    {
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<Rooms>(static services => services.AddSingleton<Made>());
        Says("declares no state 'visit'. It declares 'visits', 'visitors', 'lengths'", () => harness.State<int>("visit", "hall"));
        Says("is a KeyedState<Int32>: read it with State<Int32>", () => harness.State<long>("visits", "hall"));
        Says("is a KeyedMap<String, Int32>: read it with StateMap<String, Int32>", () => harness.State<int>("visitors", "hall"));
        Says("is a KeyedList<Int32>: read it with StateList<Int32>", () => harness.StateMap<string, int>("lengths", "hall"));
        Says("is a KeyedState<Int32>", () => harness.StateList<int>("visits", "hall"));
        Says("The value cannot be an empty string", () => harness.State<int>("visits", ""));
        await harness.StopAsync();
        Assert.Throws<InvalidOperationException>(() => harness.State<int>("visits", "hall"));

        await using ProcessorHarness stateless = await ProcessorHarness.StartAsync<Stateless>();
        Says("Stateless declares no [State]", () => stateless.State<int>("visits", "hall"));

        static void Says(string text, Func<object> read) =>
            Assert.Contains(text, Assert.Throws<ArgumentException>(read).Message, StringComparison.Ordinal);
    }
}

/// <summary>How many instances of a processor there were.</summary>
internal sealed class Made
{
    private int _count;

    public int Count => _count;

    public void Add() => Interlocked.Increment(ref _count);
}

/// <summary>Keeps state of each kind.</summary>
[KinesisProcessor("visits")]
internal sealed partial class Rooms
{
    public Rooms(Made made) => made.Add();

    [State("visits")]
    [StateSerializer(typeof(CountSerializer))]
    private partial KeyedState<int> Visits { get; }

    [State("visitors", Ttl = "01:00:00")]
    [StateSerializer(typeof(CountSerializer))]
    private partial KeyedMap<string, int> Visitors { get; }

    [State("lengths")]
    [StateSerializer(typeof(CountSerializer))]
    private partial KeyedList<int> Lengths { get; }

    [OnRecord]
    private void Handle(string visitor, RecordContext context)
    {
        Visits.Of(context).Edit()++;
        Visitors.Of(context).Edit(visitor)++;
        Lengths.Of(context).Add(visitor.Length);
    }
}

/// <summary>Puts a line out for each visit.</summary>
[KinesisProcessor("visits")]
internal sealed partial class Receipts
{
    [State("visits")]
    [StateSerializer(typeof(CountSerializer))]
    private partial KeyedState<int> Visits { get; }

    [Output("receipts")]
    private partial Output<string> Lines { get; }

    [OnRecord]
    private void Handle(string visitor, RecordContext context) => Lines.Add(context, $"{visitor} {++Visits.Of(context).Edit()}");
}

/// <summary>Handles each record twice, and notes the ids that it would send.</summary>
[KinesisProcessor("visits")]
internal sealed partial class Naming(List<(string Text, Guid Id, Guid Other)> ids)
{
    [OnRecord]
    private void Handle(string text, RecordContext context)
    {
        ids.Add((text, context.OutputId(0), context.OutputId(1)));
        if (context.Attempt == 1)
        {
            throw new InvalidOperationException("As the test wants it.");
        }
    }
}

/// <summary>Keeps nothing.</summary>
[KinesisProcessor("visits")]
internal sealed partial class Stateless
{
    [OnRecord]
    private static void Handle(string visitor)
    {
    }
}

/// <summary>Counts records by key.</summary>
[KinesisProcessor("visits")]
internal sealed partial class VisitCounter
{
    [State("visits")]
    [StateSerializer(typeof(CountSerializer))]
    private partial KeyedState<int> Visits { get; }

    [OnRecord]
    private void Handle(string text, RecordContext context) => Visits.Of(context).Edit()++;
}

/// <summary>A number as four bytes.</summary>
internal sealed class CountSerializer : IStateSerializer<int>
{
    public void Write(int value, IBufferWriter<byte> output)
    {
        BinaryPrimitives.WriteInt32LittleEndian(output.GetSpan(4), value);
        output.Advance(4);
    }

    public int Read(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt32LittleEndian(bytes);
}
