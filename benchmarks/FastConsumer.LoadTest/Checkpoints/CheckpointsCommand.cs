using System.CommandLine;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.Json;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;
using FastConsumer.Shared.ThrottlingDynamoDb;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace FastConsumer.LoadTest.Checkpoints;

/// <summary>
/// Whole workers on many shards with their leases on dynoxide, behind a proxy that counts and limits as DynamoDB does: what the table is
/// asked for, and how old checkpoints get.
/// </summary>
internal static class CheckpointsCommand
{
    private const double RecordsPerShardAndSecond = 1;
    private static readonly TimeSpan s_sample = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_leaseWithoutLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_leaseWithLimit = TimeSpan.FromSeconds(60);

    public static Command Create()
    {
        var shards = new Option<int>("--shards") { Description = "The stream's shards.", DefaultValueFactory = static _ => 1000 };
        var workers = new Option<int>("--workers")
        {
            Description = "Workers that share them, all in this process.",
            DefaultValueFactory = static _ => 10
        };
        var seconds = new Option<int>("--seconds")
        {
            Description = "How long is measured, once every shard has a checkpoint.",
            DefaultValueFactory = static _ => 60
        };
        var limit = new Option<double>("--limit")
        {
            Description = "Write units a second of the second run; 0 to leave it out.",
            DefaultValueFactory = static _ => 50
        };
        var json = new Option<bool>("--json") { Description = "One line of JSON." };
        var command = new Command("checkpoints", "What leases and checkpoints ask of their table, without and with a limit.")
        {
            shards,
            workers,
            seconds,
            limit,
            json
        };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            TimeSpan duration = TimeSpan.FromSeconds(arguments.GetValue(seconds));
            CheckpointsFigures unlimited = await RunAsync(
                new CheckpointsSetup(arguments.GetValue(shards), arguments.GetValue(workers), s_leaseWithoutLimit, null),
                duration,
                cancellationToken);
            CheckpointsFigures? limited = arguments.GetValue(limit) <= 0 ? null : await RunAsync(
                new CheckpointsSetup(arguments.GetValue(shards), arguments.GetValue(workers), s_leaseWithLimit, arguments.GetValue(limit)),
                duration,
                cancellationToken);
            Console.WriteLine(arguments.GetValue(json)
                ? JsonSerializer.Serialize(new CheckpointsComparison(unlimited, limited), CheckpointsJson.Default.CheckpointsComparison)
                : string.Join('\n', new[] { unlimited, limited }.OfType<CheckpointsFigures>().Select(Describe)));
            return 0;
        });
        return command;
    }

    private static string Describe(CheckpointsFigures figures) => string.Create(
        CultureInfo.InvariantCulture,
        $"{(figures.WriteUnitLimit is double limit ? $"{limit} write units/s" : "no limit")}, leases of {figures.LeaseSeconds} s, "
            + $"{figures.Workers} workers on {figures.Shards} shards: {figures.RequestsPerSecond:F1} requests, "
            + $"{figures.WriteUnitsPerSecond:F1} write and {figures.ReadUnitsPerSecond:F1} read units a second, "
            + $"{figures.Throttled} throttled, {figures.LeasesLost} leases lost; checkpoints p50 {figures.CheckpointAgeP50:F1} s old, "
            + $"p99 {figures.CheckpointAgeP99:F1}, at most {figures.CheckpointAgeMax:F1}; {figures.RecordsHandled} of {figures.RecordsPut} "
            + $"records; first record on every shard after {figures.StartSeconds:F1} s");

    private static async Task<CheckpointsFigures> RunAsync(CheckpointsSetup setup, TimeSpan duration, CancellationToken cancellationToken)
    {
        TimeProvider time = TimeProvider.System;
        await using OwnProcess server = OwnProcess.Start(
            "serve-shards", "--shards", setup.Shards.ToString(CultureInfo.InvariantCulture), "--rate", RecordsPerShardAndSecond.ToString(
                CultureInfo.InvariantCulture));
        await using DynoxideServer dynoxide = await DynoxideServer.StartAsync(cancellationToken);
        await using ThrottlingDynamoDbProxy proxy = await ThrottlingDynamoDbProxy.StartAsync(dynoxide.ServiceUrl, time, cancellationToken);
        proxy.Limit(setup.WriteUnitLimit ?? double.PositiveInfinity);
        string url = await server.ReadLineAsync(cancellationToken);
        var tally = new CheckpointTally(time);
        using MeterListener listener = tally.Listen();
        List<IHost> hosts = [
            .. Enumerable.Range(0, setup.Workers).Select(worker => Host(tally, url, proxy.ServiceUrl, setup.Lease, worker))];
        try
        {
            long started = time.GetTimestamp();
            await Task.WhenAll(hosts.Select(host => host.StartAsync(cancellationToken)));
            await Waiting.UntilAsync(
                () => tally.ShardsSeen == setup.Shards,
                () => $"records of {tally.ShardsSeen} of {setup.Shards} shards were handled",
                s_patience,
                cancellationToken);
            double start = time.GetElapsedTime(started).TotalSeconds;
            Console.Error.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"first record on all {setup.Shards} shards after {start:F1} s"));
            TimeSpan settling = setup.Lease * 2;
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{settling.TotalSeconds:F0} s for the workers to find "
                + $"their shares and write their first checkpoints, then {duration.TotalSeconds:F0} s are measured"));
            await Task.Delay(settling, time, cancellationToken);
            return await MeasureAsync(setup, start, tally, hosts, proxy, duration, time, cancellationToken);
        }
        finally
        {
            proxy.Limit(double.PositiveInfinity);
            await Task.WhenAll(hosts.Select(static host => host.StopAsync(CancellationToken.None)));
            hosts.ForEach(static host => host.Dispose());
        }
    }

    private static async Task<CheckpointsFigures> MeasureAsync(
        CheckpointsSetup setup,
        double start,
        CheckpointTally tally,
        List<IHost> hosts,
        ThrottlingDynamoDbProxy proxy,
        TimeSpan duration,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        ThrottlingCounts before = proxy.Counts;
        double readUnits = ReadUnits();
        (long records, long checkpoints, long lost) = (tally.Records, tally.Checkpoints, tally.LeasesLost);
        long started = time.GetTimestamp();
        while (time.GetElapsedTime(started) < duration)
        {
            await Task.Delay(s_sample, time, cancellationToken);
            tally.Sample();
        }

        double seconds = time.GetElapsedTime(started).TotalSeconds;
        ThrottlingCounts after = proxy.Counts;
        double[] ages = tally.Ages();
        return new CheckpointsFigures
        {
            Workers = setup.Workers,
            Shards = setup.Shards,
            LeaseSeconds = setup.Lease.TotalSeconds,
            WriteUnitLimit = setup.WriteUnitLimit,
            StartSeconds = start,
            Seconds = seconds,
            RecordsPut = (long)(setup.Shards * RecordsPerShardAndSecond * seconds),
            RecordsHandled = tally.Records - records,
            RequestsPerSecond = (after.Requests - before.Requests) / seconds,
            WriteUnitsPerSecond = (after.WriteUnits - before.WriteUnits) / seconds,
            ReadUnitsPerSecond = (ReadUnits() - readUnits) / seconds,
            Throttled = after.ThrottledWrites - before.ThrottledWrites,
            Checkpoints = tally.Checkpoints - checkpoints,
            CheckpointAgeP50 = ages[ages.Length / 2],
            CheckpointAgeP99 = ages[ages.Length * 99 / 100],
            CheckpointAgeMax = ages[^1],
            LeasesLost = tally.LeasesLost - lost,
        };

        double ReadUnits() =>
            hosts.Sum(static host => ((MeteredStores)host.Services.GetRequiredKeyedService<ILeaseStoreFactory>("")).ReadUnits);
    }

    private static IHost Host(CheckpointTally tally, string kinesisUrl, string dynamoUrl, TimeSpan lease, int worker)
    {
        HostApplicationBuilder builder = LoadTestHost.CreateBuilder();
        builder.Logging.ClearProviders().AddConsole(static console => console.LogToStandardErrorThreshold = LogLevel.Trace)
            .AddFilter<ConsoleLoggerProvider>(null, LogLevel.Error).AddProvider(new LossCounter(tally));
        builder.Services.AddSingleton(tally);
        builder.Services
            .AddFastConsumer(options =>
            {
                options.ReadFrom(kinesisUrl);
                options.WorkerId = string.Create(CultureInfo.InvariantCulture, $"worker-{worker}");
                options.LeaseDuration = lease;
            })
            .AddProcessor<CheckpointProcessor>()
            .UseDynamoDb(table =>
            {
                table.ServiceUrl = dynamoUrl;
                table.Region = LoadTestOptions.Region;
                table.Credentials = LoadTestOptions.Credentials;
            });
        ServiceDescriptor stores = builder.Services.Last(static service => service.ServiceType == typeof(ILeaseStoreFactory));
        builder.Services.Remove(stores);
        builder.Services.AddKeyedSingleton<ILeaseStoreFactory>(
            "", (services, key) => new MeteredStores((ILeaseStoreFactory)stores.KeyedImplementationFactory!(services, key)));
        return builder.Build();
    }

    private sealed record CheckpointsSetup(int Shards, int Workers, TimeSpan Lease, double? WriteUnitLimit);
}
