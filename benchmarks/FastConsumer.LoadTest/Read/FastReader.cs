using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.LoadTest.Replay;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.LoadTest.Read;

/// <summary>The handler: what a user's would see of each record, and nothing else.</summary>
[KinesisProcessor(ReplayServer.StreamName)]
internal sealed partial class CountingProcessor(Meter meter)
{
    private readonly ShardCount _count = new(meter);

    [OnRecord]
    public void Handle(ReadOnlySpan<byte> data) => _count.Add(data.Length);
}

/// <summary>
/// The whole worker: leases in memory, readers, lanes, the generated pipeline, checkpoints. Only the read quota is off, for the server has
/// none.
/// </summary>
internal static class FastReader
{
    public static async Task RunAsync(string url, ReadSettings settings, Meter meter, CancellationToken cancellationToken)
    {
        HostApplicationBuilder builder = LoadTestHost.CreateBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(meter);
        builder.Services
            .AddFastConsumer(options =>
            {
                options.ReadFrom(url);
                options.Protocol = settings.IsCbor ? KinesisProtocol.Cbor : KinesisProtocol.Json;
                options.IgnoreReadQuota = true;
                // the replayed records bear times of long ago
                options.Findings["FCF1018"] = new FindingOptions { Off = true };
                options.NoTelemetry = settings.Telemetry == ReadTelemetry.Plain;
            })
            .AddProcessor<CountingProcessor>()
            .UseInMemoryLeases();
        await using MeterExport? export = settings.Telemetry == ReadTelemetry.Listener ? new MeterExport() : null;
        using IHost host = builder.Build();
        await host.StartAsync(cancellationToken);
        await meter.Ended.WaitAsync(cancellationToken);
        export?.Check();
        await host.StopAsync(cancellationToken);
    }
}
