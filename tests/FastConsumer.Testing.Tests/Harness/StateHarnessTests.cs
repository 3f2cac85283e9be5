using System.Buffers;
using System.Buffers.Binary;
using FastConsumer.Checkpoints;
using FastConsumer.Testing.Harness;

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
