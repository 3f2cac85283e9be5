using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.LoadTest.Shards;

/// <summary>
/// Many shards that trickle, one worker with its usual settings, quotas and all; the stream is an EmbeddedKinesis in a process of its own.
/// </summary>
internal static class ShardsCommand
{
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    public static async Task<ShardsFigures> RunAsync(
        int shards, TimeSpan duration, double recordsPerShardAndSecond, CancellationToken cancellationToken)
    {
        await using OwnProcess server = OwnProcess.Start(
            "serve-shards", "--shards", shards.ToString(CultureInfo.InvariantCulture), "--rate", recordsPerShardAndSecond.ToString(
                CultureInfo.InvariantCulture));
        string url = await server.ReadLineAsync(cancellationToken);
        var tally = new TrickleTally();
        using MeterListener listener = tally.Listen();
        HostApplicationBuilder builder = LoadTestHost.CreateBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(tally);
        builder.Services
            .AddFastConsumer(options => options.ReadFrom(url))
            .AddProcessor<TrickleProcessor>()
            .UseInMemoryLeases();
        using IHost host = builder.Build();
        await host.StartAsync(cancellationToken);
        await Waiting.UntilAsync(
            () => tally.Leases >= shards, () => $"the worker holds {tally.Leases} of {shards} leases", s_patience, cancellationToken);

        ShardsFigures figures = await MeasureAsync(tally, shards, duration, cancellationToken);
        await host.StopAsync(cancellationToken);
        return figures;
    }

    /// <summary>The server's own process: writes its address and puts records until its input ends.</summary>
    public static async Task ServeAsync(int shards, double recordsPerShardAndSecond)
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync();
        kinesis.CreateStream(TrickleProcessor.StreamName, shards);
        Console.WriteLine(kinesis.ServiceUrl);
        Task inputEnds = OwnProcess.UntilInputEndsAsync();
        byte[] data = new byte[100];
        double due = 0;
        long next = 0;
        long started = TimeProvider.System.GetTimestamp();
        while (!inputEnds.IsCompleted)
        {
            due = shards * recordsPerShardAndSecond * TimeProvider.System.GetElapsedTime(started).TotalSeconds;
            for (; next < due; next++)
            {
                // shard after shard
                UInt128 width = UInt128.MaxValue / (UInt128)shards;
                kinesis.Put(TrickleProcessor.StreamName, "key", data, width * (UInt128)(next % shards));
            }

            await Task.WhenAny(inputEnds, Task.Delay(s_step, TimeProvider.System, CancellationToken.None));
        }
    }

    private static async Task<ShardsFigures> MeasureAsync(
        TrickleTally tally, int shards, TimeSpan duration, CancellationToken cancellationToken)
    {
        using var self = Process.GetCurrentProcess();
        long records = tally.Records;
        long reads = tally.Reads;
        long started = TimeProvider.System.GetTimestamp();
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        int mostThreads = 0;
        while (TimeProvider.System.GetElapsedTime(started) < duration)
        {
            await Task.Delay(s_step, TimeProvider.System, cancellationToken);
            self.Refresh();
            mostThreads = Math.Max(mostThreads, self.Threads.Count);
        }

        self.Refresh();
        return new ShardsFigures
        {
            Shards = shards,
            WallSeconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds,
            CpuSeconds = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds,
            Records = tally.Records - records,
            Reads = tally.Reads - reads,
            AllocatedBytes = GC.GetTotalAllocatedBytes(precise: true) - allocated,
            ManagedHeapBytes = GC.GetGCMemoryInfo().HeapSizeBytes,
            WorkingSet = self.WorkingSet64,
            PeakWorkingSet = self.PeakWorkingSet64,
            Threads = self.Threads.Count,
            MostThreads = mostThreads,
        };
    }
}
