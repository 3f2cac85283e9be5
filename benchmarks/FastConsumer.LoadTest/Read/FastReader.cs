using System.Text.Json;
using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.LoadTest.Pipeline;
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

/// <summary>The same class with a state that its handler never uses.</summary>
[KinesisProcessor(ReplayServer.StreamName, JsonContext = typeof(KeyCountJson))]
internal sealed partial class UntouchedStateProcessor(Meter meter)
{
    private readonly ShardCount _count = new(meter);

    [State("counts")]
    internal partial KeyedState<KeyCount> Counts { get; }

    [OnRecord]
    public void Handle(ReadOnlySpan<byte> data) => _count.Add(data.Length);
}

/// <summary>The same class with a state that its handler changes with each record.</summary>
[KinesisProcessor(ReplayServer.StreamName, JsonContext = typeof(KeyCountJson))]
internal sealed partial class KeyedStateProcessor(Meter meter)
{
    private readonly ShardCount _count = new(meter);

    [State("counts")]
    internal partial KeyedState<KeyCount> Counts { get; }

    [OnRecord]
    public void Handle(ReadOnlySpan<byte> data, RecordContext context)
    {
        ref KeyCount key = ref Counts.Of(context).Edit();
        key.Count++;
        _count.Add(data.Length);
    }
}

/// <summary>
/// The whole worker: leases in memory, readers, lanes, the generated pipeline, checkpoints. Only the read quota is off, for the server has
/// none. With state its snapshots go to a folder, which is deleted at the end.
/// </summary>
internal static class FastReader
{
    public static async Task RunAsync(string url, ReadSettings settings, Meter meter, CancellationToken cancellationToken)
    {
        DirectoryInfo? folder = settings.State is null or ReadState.Off ? null : Directory.CreateTempSubdirectory("fastconsumer-state-");
        try
        {
            await RunAsync(url, settings, meter, folder, cancellationToken);
        }
        finally
        {
            folder?.Delete(recursive: true);
        }
    }

    private static async Task RunAsync(
        string url, ReadSettings settings, Meter meter, DirectoryInfo? folder, CancellationToken cancellationToken)
    {
        HostApplicationBuilder builder = LoadTestHost.CreateBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(meter);
        FastConsumerBuilder consumer = builder.Services
            .AddFastConsumer(options =>
            {
                options.ReadFrom(url);
                options.Protocol = settings.IsCbor ? KinesisProtocol.Cbor : KinesisProtocol.Json;
                options.IgnoreReadQuota = true;
                // the replayed records bear times of long ago
                options.Findings["FCF1018"] = new FindingOptions { Off = true };
                if (settings.State is not null)
                {
                    // often enough for each run to have some
                    options.CheckpointInterval = TimeSpan.FromSeconds(1);
                    options.CheckpointRecords = 0;
                }

                options.NoTelemetry = settings.Telemetry == ReadTelemetry.Plain;
            })
            .UseInMemoryLeases();
        _ = settings.State switch
        {
            ReadState.Untouched => consumer.AddProcessor<UntouchedStateProcessor>(),
            ReadState.Keyed => consumer.AddProcessor<KeyedStateProcessor>(),
            _ => consumer.AddProcessor<CountingProcessor>(),
        };
        if (folder is not null)
        {
            consumer.UseLocalCheckpoints(folder.FullName);
        }

        await using MeterExport? export = settings.Telemetry == ReadTelemetry.Listener ? new MeterExport() : null;
        using IHost host = builder.Build();
        await host.StartAsync(cancellationToken);
        await meter.Ended.WaitAsync(cancellationToken);
        export?.Check();
        await host.StopAsync(cancellationToken);
        if (folder is not null)
        {
            await CheckAsync(host.Services, settings, cancellationToken);
        }
    }

    /// <summary>The figures are of something: the shards have snapshots, and what was counted by key stands in them.</summary>
    private static async Task CheckAsync(IServiceProvider services, ReadSettings settings, CancellationToken cancellationToken)
    {
        await using ILeaseStore leases = services.GetRequiredKeyedService<ILeaseStoreFactory>("")
            .Create(new LeaseStoreContext("", LoadTestOptions.Application, ReplayServer.StreamName, services));
        IReadOnlyList<Lease> rows = await leases.ListAsync(ReadConsistency.Strong, cancellationToken);
        var reader = new SnapshotReader(services.GetRequiredKeyedService<ICheckpointStore>(""), LoadTestOptions.Application);
        long keys = 0;
        long records = 0;
        await foreach (StoredState entry in reader.ReadAsync(rows, cancellationToken))
        {
            keys++;
            records += JsonSerializer.Deserialize(entry.Values[0].Span, KeyCountJson.Default.KeyCount).Count;
        }

        bool isKeyed = settings.State == ReadState.Keyed;
        if (rows.Count != settings.Shards || rows.Any(static row => row.Snapshot is null) || isKeyed == (records < settings.Records)
            || isKeyed != (keys > 0))
        {
            throw new InvalidOperationException(
                $"The state was not kept: {rows.Count(static row => row.Snapshot is not null)} of {settings.Shards} shards have a "
                    + $"snapshot, with {keys} keys of {records} records; {settings.Records} records and more were handled.");
        }
    }
}
