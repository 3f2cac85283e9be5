using FastConsumer.Processors;
using FastConsumer.Tests.Hosting;

namespace FastConsumer.Tests.Dispatch;

/// <summary>Alone, since what is measured is the process.</summary>
[CollectionDefinition(nameof(AloneInTheProcess), DisableParallelization = true)]
public sealed class AloneInTheProcess;

[Collection(nameof(AloneInTheProcess))]
public sealed class LaneAllocationTests
{
    [Fact]
    public async Task Lanes_allocate_nothing_per_record()
    {
        const int Records = 10_000;
        const int Pages = 40;
        string[] keys = [.. Enumerable.Range(0, Records).Select(static i => $"key-{i % 997}")];
        var pipeline = new CountingPipeline();
        await using var harness = new LaneHarness(8, pipeline);
        RecordPage[] pages = [.. Enumerable.Range(0, Pages).Select(i => LaneHarness.Page(keys, i * Records))];
        harness.Start();
        await RunAsync(0, Pages / 4);
        List<long> allocated = [];
        for (int round = 1; round < 4; round++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            await RunAsync(round * Pages / 4, (round + 1) * Pages / 4);
            allocated.Add(GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        string rounds = $"{string.Join(", ", allocated)} bytes for {Records * Pages / 4} records each";
        TestContext.Current.TestOutputHelper?.WriteLine(rounds);
        // what a page costs, and what waiting for it does. Lanes do the same in each round; what else runs in the process comes on top
        Assert.True(allocated.Min() < Records * Pages / 4, rounds);

        Task RunAsync(int from, int to)
        {
            for (int i = from; i < to; i++)
            {
                harness.Put(pages[i]);
            }

            return Eventually.TrueAsync(() => harness.Completed == (long)to * Records, () => $"{harness.Completed}");
        }
    }
}
