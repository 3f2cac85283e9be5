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
        long before = GC.GetTotalAllocatedBytes(precise: true);
        await RunAsync(Pages / 4, Pages);
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{allocated} bytes for {Records * Pages * 3 / 4} records");
        // what a page costs, and what waiting for it does
        Assert.True(allocated < Records * Pages * 3 / 4, $"{allocated} bytes");

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
