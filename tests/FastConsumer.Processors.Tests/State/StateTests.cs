using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json.Serialization;
using FastConsumer.Kinesis;
using FastConsumer.State.Format;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Processors.Tests.State;

/// <summary>Generated code on the states themselves. The records of a page have keys of their own, the same in each page.</summary>
public sealed class StateTests
{
    private static readonly HashKeyRange s_whole = new(UInt128.MinValue, UInt128.MaxValue);

    [Fact]
    public async Task A_definition_tells_the_version_of_its_state()
    {
        Assert.Equal((3, 1, 0), (VersionOf<SumProcessor>(), VersionOf<AsyncStateProcessor>(), VersionOf<StatelessProcessor>()));

        using var driver = new PipelineDriver<StatelessProcessor>(new StatelessProcessor());
        await driver.RunAsync("a");
        Assert.Null(driver.Pipeline.State);
    }

    [Fact]
    public async Task Values_maps_and_lists_are_kept_for_each_key()
    {
        using var driver = new PipelineDriver<SumProcessor>(new SumProcessor());

        await driver.RunAsync("1", "10");
        await driver.RunAsync("2", "20");
        await driver.RunAsync("2", "20");

        Assert.Equal(
            ["1 of 1: 1", "10 of 1: 10", "3 of 2: 1, 2", "30 of 2: 10, 20", "5 of 3: 1, 2, 2", "50 of 3: 10, 20, 20"],
            driver.Processor.Log);
        Assert.Equal([1, 1, 1, 1, 2, 2], driver.Processor.Times);
    }

    [Fact]
    public async Task A_record_that_fails_and_is_tried_again_counts_once()
    {
        using var driver = new PipelineDriver<SumProcessor>(new SumProcessor { Throws = 1 });

        await Assert.ThrowsAsync<IOException>(async () => await driver.RunAsync("1"));
        driver.Cursor.NextAttempt();
        await driver.ResumeAsync();

        Assert.Equal(["1 of 1: 1", "1 of 1: 1"], driver.Processor.Log);
    }

    [Fact]
    public async Task A_filtered_record_completes_nothing_that_a_failed_one_has_left()
    {
        using var driver = new PipelineDriver<SumProcessor>(new SumProcessor { Throws = 1 });

        await Assert.ThrowsAsync<IOException>(async () => await driver.RunAsync("1", "-5", "-5000"));
        // what a rule with Skip comes to
        driver.Cursor.Complete();
        await driver.ResumeAsync();
        await driver.RunAsync("7", "8");

        Assert.Equal(["1 of 1: 1", "7 of 1: 7", "8 of 1: 8"], driver.Processor.Log);
    }

    [Fact]
    public async Task Handlers_that_wait_routes_and_services_have_state_too()
    {
        using var driver = new PipelineDriver<AsyncStateProcessor>(
            new AsyncStateProcessor(), services => services.AddScoped<Greeting>());

        await driver.RunAsync("""{"type":"wait","text":"a"}""", """{"type":"serve","text":"b"}""", """{"type":"?","text":"c"}""");
        await driver.RunAsync("""{"type":"serve","text":"d"}""", """{"type":"?","text":"e"}""", """{"type":"wait","text":"f"}""");

        Assert.Equal(["a", "hello b", "c", "a, hello d", "hello b, e", "c, f"], driver.Processor.Log);
    }

    [Fact]
    public async Task State_that_is_kept_beyond_its_call_throws()
    {
        using var driver = new PipelineDriver<SumProcessor>(new SumProcessor());

        await driver.RunAsync("1");
        await driver.RunAsync("1");

        Assert.Throws<InvalidOperationException>(() => driver.Processor.Kept.Set(default));
    }

    [Fact]
    public async Task Values_of_older_versions_pass_through_the_migrations()
    {
        using var first = new PipelineDriver<FirstSumProcessor>(new FirstSumProcessor());
        await first.RunAsync("5", "6");
        using var third = new PipelineDriver<SumProcessor>(new SumProcessor());
        Restore(third.Pipeline.State!, Snapshot(first.Pipeline.State!, s_whole));

        await third.RunAsync("1", "1");

        Assert.Equal(["6 of 1001: 500, 1", "7 of 1001: 600, 1"], third.Processor.Log);
    }

    [Fact]
    public async Task Values_of_this_version_are_read_as_they_are()
    {
        using var before = new PipelineDriver<SumProcessor>(new SumProcessor());
        await before.RunAsync("5", "6");
        using var after = new PipelineDriver<SumProcessor>(new SumProcessor());
        Restore(after.Pipeline.State!, Snapshot(before.Pipeline.State!, s_whole));

        await after.RunAsync("1", "1");

        Assert.Equal(["6 of 2: 5, 1", "7 of 2: 6, 1"], after.Processor.Log);
    }

    [Fact]
    public async Task Two_values_of_one_key_are_united_by_the_method()
    {
        // the key lies in one half only: the other shard had it by an explicit hash key
        UInt128 middle = UInt128.MaxValue / 2;
        using var low = new PipelineDriver<SumProcessor>(new SumProcessor());
        await low.RunAsync("5");
        using var high = new PipelineDriver<SumProcessor>(new SumProcessor());
        await high.RunAsync("7");
        using var merged = new PipelineDriver<SumProcessor>(new SumProcessor());
        Restore(
            merged.Pipeline.State!,
            Snapshot(low.Pipeline.State!, new HashKeyRange(UInt128.MinValue, middle), "shardId-000000000001"),
            Snapshot(high.Pipeline.State!, new HashKeyRange(middle + 1, UInt128.MaxValue), "shardId-000000000002"));

        await merged.RunAsync("1");

        Assert.StartsWith("13 of 3: ", Assert.Single(merged.Processor.Log), StringComparison.Ordinal);
    }

    private static int VersionOf<T>()
        where T : class, IKinesisProcessor<T> => T.Definition.StateVersion;

    private static (SnapshotManifest Manifest, byte[] Segment) Snapshot(
        ProcessorState state, HashKeyRange range, string shard = "shardId-000000000000")
    {
        const long Time = 1_700_000_000_000;
        using StateCut cut = state.Cut(() => (CheckpointPosition.At(SequenceNumber.Parse("1000")), Time), out CheckpointPosition position);
        var writer = new SegmentWriter("session/1");
        cut.Write(writer);
        var manifest = new SnapshotManifest
        {
            Application = "tests",
            StreamArn = "arn:aws:kinesis:eu-central-1:123456789012:stream/stream",
            StreamCreated = 1_700_000_000_000,
            Processor = "Tested",
            StateVersion = state.Version,
            Shard = shard,
            StartingHashKey = range.StartingHashKey.ToString(CultureInfo.InvariantCulture),
            EndingHashKey = range.EndingHashKey.ToString(CultureInfo.InvariantCulture),
            Lineage = "lineage",
            Epoch = 12,
            Number = 1,
            Position = position.ToCheckpointString(),
            SubSequenceNumber = position.SubSequenceNumber,
            StreamTime = Time,
            States = state.States,
            Ranges = writer.Ranges,
        };
        writer.AddManifest(manifest);
        return (manifest, [.. writer.Finish().SelectMany(static frame => frame.ToArray())]);
    }

    private static void Restore(ProcessorState state, params (SnapshotManifest Manifest, byte[] Segment)[] from)
    {
        state.Restore([.. from.Select(one => one.Manifest)], s_whole);
        foreach ((SnapshotManifest manifest, byte[] segment) in from)
        {
            for (int i = manifest.Ranges.Count - 1; i >= 0; i--)
            {
                SnapshotRange blocks = manifest.Ranges[i];
                state.Load(manifest, i, segment.AsSpan((int)blocks.Offset, blocks.Length).ToArray());
            }
        }
    }
}

internal readonly record struct Sum(long Value, int Records, int Since);

internal sealed record SecondSum(long Value, int Records);

internal sealed record FirstSum(long Value);

internal sealed record Routed(string Text);

[JsonSerializable(typeof(Sum))]
[JsonSerializable(typeof(SecondSum))]
[JsonSerializable(typeof(FirstSum))]
[JsonSerializable(typeof(Routed))]
[JsonSerializable(typeof(int))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class StateJson : JsonSerializerContext;

/// <summary>Writes eight bytes; reads the four that an older version wrote.</summary>
internal sealed class NumberSerializer : IStateSerializer<long>, IStateSerializer<int>
{
    public void Write(long value, IBufferWriter<byte> output)
    {
        BinaryPrimitives.WriteInt64LittleEndian(output.GetSpan(sizeof(long)), value);
        output.Advance(sizeof(long));
    }

    public long Read(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt64LittleEndian(bytes);

    void IStateSerializer<int>.Write(int value, IBufferWriter<byte> output)
    {
        BinaryPrimitives.WriteInt32LittleEndian(output.GetSpan(sizeof(int)), value);
        output.Advance(sizeof(int));
    }

    int IStateSerializer<int>.Read(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt32LittleEndian(bytes);
}

[KinesisProcessor("sums", JsonContext = typeof(StateJson))]
internal sealed partial class FirstSumProcessor
{
    [State("sum")]
    private partial KeyedState<FirstSum> Sum { get; }

    [State("numbers"), StateSerializer(typeof(NumberSerializer))]
    private partial KeyedList<int> Numbers { get; }

    [OnRecord]
    public void Handle(int number, RecordContext context)
    {
        Sum.Of(context).Set(new FirstSum(number));
        Numbers.Of(context).Add(number);
    }
}

[KinesisProcessor("sums", JsonContext = typeof(StateJson), StateVersion = 3)]
internal sealed partial class SumProcessor
{
    public List<string> Log { get; } = [];

    public List<long> Times { get; } = [];

    public int Throws { get; set; }

    public StateValue<Sum> Kept { get; private set; }

    [State("sum", Ttl = "30.00:00:00")]
    private partial KeyedState<Sum> Total { get; }

    [State("seen"), StateSerializer(typeof(NumberSerializer))]
    public partial KeyedMap<int, long> Seen { get; }

    [State("numbers"), StateSerializer(typeof(NumberSerializer))]
    private partial KeyedList<long> Numbers { get; }

    [Filter]
    public static bool IsOfInterest(ReadOnlySpan<byte> data) => data.Length < 5;

    [Filter]
    public static bool IsPositive(int number) => number > 0;

    [OnRecord]
    public void Handle(int number, RecordContext context)
    {
        StateValue<Sum> total = Total.Of(context);
        total.Set(new Sum(total.Value.Value + number, total.Value.Records + 1, total.Value.Since));
        Numbers.Of(context).Add(number);
        Seen.Of(context).Set(number, Seen.Of(context).TryGetValue(number, out long times) ? times + 1 : 1);
#pragma warning disable FC5006 // on purpose: it throws when it is used
        Kept = total;
#pragma warning restore FC5006
        var numbers = new List<string>();
        foreach (long one in Numbers.Of(context))
        {
            numbers.Add(one.ToString(CultureInfo.InvariantCulture));
        }

        Times.Add(Seen.Of(context)[number]);
        Log.Add($"{total.Value.Value} of {total.Value.Records}: {string.Join(", ", numbers)}");
#pragma warning disable FC5001 // the test's, and no state
        if (Throws-- > 0)
#pragma warning restore FC5001
        {
            throw new IOException("The handler fails.");
        }
    }

    [StateMigration("sum", From = 1)]
    private static SecondSum WithRecords(FirstSum old) => new(old.Value, Records: 100);

    [StateMigration("sum", From = 2)]
    private static Sum WithSince(SecondSum old) => new(old.Value, 10 * old.Records, Since: 2);

    [StateMigration("numbers", From = 2)]
    private static long Widen(int old) => 100 * old;

    [StateMerge("sum")]
    private static Sum Unite(Sum a, Sum b, Sum? common) =>
        new(a.Value + b.Value - (common?.Value ?? 0), a.Records + b.Records - (common?.Records ?? 0), a.Since);
}

internal sealed class Greeting
{
    public string Of(string text) => $"hello {text}";
}

[KinesisProcessor("routed", JsonContext = typeof(StateJson), RouteProperty = "type")]
[OnError(typeof(TimeoutException), ErrorAction.Retry, Timeout = "00:01:00")]
internal sealed partial class AsyncStateProcessor
{
    public List<string> Log { get; } = [];

    [State("text")]
    internal partial KeyedState<Routed> Last { get; }

    [OnRecord(Route = "wait")]
    public async Task WaitAsync(Routed record, RecordContext context, CancellationToken cancellationToken)
    {
        StateValue<Routed> last = Last.Of(context);
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        Append(last, record.Text);
    }

    [OnRecord(Route = "serve")]
    public void Serve(Routed record, [FromServices] Greeting greeting, RecordContext context, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Append(Last.Of(context), greeting.Of(record.Text));
    }

    [OnRecord]
    public ValueTask OtherAsync(Routed record, RecordContext context, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Append(Last.Of(context), record.Text);
        return default;
    }

    private void Append(StateValue<Routed> last, string text)
    {
        last.Set(new Routed(last.Exists ? $"{last.Value!.Text}, {text}" : text));
        Log.Add(last.Value!.Text);
    }
}

[KinesisProcessor("stateless")]
internal sealed partial class StatelessProcessor
{
    [OnRecord]
    public void Handle(string text)
    {
    }
}
