using System.Buffers.Binary;
using System.CommandLine;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.Json;
using Amazon.Runtime;
using FastConsumer.Hosting;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.LoadTest.Quota;

/// <summary>
/// Whole workers of several applications on one shard of an EmbeddedKinesis that enforces the read quota, over sockets and
/// in real time: what they read together and each, how often they are refused, and, with an idle shard, how late records come.
/// </summary>
internal static class QuotaCommand
{
    public const string PartitionKey = "k";
    private const string StreamName = "quota";
    private const double BytesPerSecond = 2 * 1024 * 1024;
    private static readonly TimeSpan s_warmup = TimeSpan.FromSeconds(10);

    public static Command Create()
    {
        var model = new Option<ReadQuotaModel>("--model")
        {
            Description = "FixedSecond, SlidingWindow or TokenBucket.",
            DefaultValueFactory = static _ => ReadQuotaModel.SlidingWindow
        };
        var applications =
            new Option<int>("--applications") { Description = "Applications on the shard.", DefaultValueFactory = static _ => 2 };
        var seconds =
            new Option<int>("--seconds") { Description = "How long is measured, after ten seconds.", DefaultValueFactory = static _ => 60 };
        var size =
            new Option<int>("--size") { Description = "Bytes of data in a record, 8 or more.", DefaultValueFactory = static _ => 1024 };
        var idle = new Option<bool>("--idle") { Description = "A shard that trickles instead of one that lags." };
        var readMode =
            new Option<ReadMode>("--read-mode") { Description = "Polling or FanOut.", DefaultValueFactory = static _ => ReadMode.Polling };
        var json = new Option<bool>("--json") { Description = "One line of JSON." };
        var command = new Command("quota", "Applications that share a shard's read quota.")
        {
            model,
            applications,
            seconds,
            size,
            idle,
            readMode,
            json
        };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            QuotaFigures figures = await RunAsync(
                arguments.GetValue(model),
                arguments.GetValue(applications),
                TimeSpan.FromSeconds(arguments.GetValue(seconds)),
                arguments.GetValue(size),
                arguments.GetValue(idle),
                arguments.GetValue(readMode),
                cancellationToken);
            Console.WriteLine(arguments.GetValue(json)
                ? JsonSerializer.Serialize(figures, QuotaJson.Default.QuotaFigures)
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{figures.Model}, {figures.Seconds:F0} s: {figures.Total:P1} of 2 MiB/s, each "
                        + $"{string.Join(" ", figures.Each.Select(static part => part.ToString("P1", CultureInfo.InvariantCulture)))}; "
                        + $"{figures.RefusedCalls} of {figures.Calls} calls refused; p50 {figures.MedianDelayMs:F1} ms, "
                        + $"p99 {figures.P99DelayMs:F1} ms"));
            return 0;
        });
        return command;
    }

    public static async Task<QuotaFigures> RunAsync(
        ReadQuotaModel model,
        int applications,
        TimeSpan duration,
        int recordBytes,
        bool isIdle,
        ReadMode readMode,
        CancellationToken cancellationToken)
    {
        TimeProvider time = TimeProvider.System;
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { ReadQuota = model }, cancellationToken);
        kinesis.CreateStream(StreamName);
        if (!isIdle)
        {
            Fill(kinesis, recordBytes, (s_warmup + duration) * 1.2);
        }

        long calls = 0;
        long refused = 0;
        using MeterListener meters = Listen(() => Interlocked.Increment(ref calls), () =>
        {
            Interlocked.Increment(ref calls);
            Interlocked.Increment(ref refused);
        });
        Arrivals[] arrivals = [.. Enumerable.Range(0, applications).Select(_ => new Arrivals(time))];
        List<IHost> hosts = [.. arrivals.Select((seen, index) => Host(kinesis, seen, index, readMode))];
        try
        {
            await Task.WhenAll(hosts.Select(host => host.StartAsync(cancellationToken)));
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{s_warmup.TotalSeconds:F0} s to begin with, then {duration.TotalSeconds:F0} s are measured"));
            await Task.Delay(s_warmup, time, cancellationToken);
            long started = time.GetTimestamp();
            (long callsBefore, long refusedBefore) = (Interlocked.Read(ref calls), Interlocked.Read(ref refused));
            long[] before = [.. arrivals.Select(static seen => seen.Bytes)];
            await (isIdle
                ? TrickleAsync(kinesis, recordBytes, duration, time, cancellationToken)
                : Task.Delay(duration, time, cancellationToken));
            double elapsed = time.GetElapsedTime(started).TotalSeconds;
            double[] each = [.. arrivals.Select((seen, index) => (seen.Bytes - before[index]) / (elapsed * BytesPerSecond))];
            double[] delays = [.. arrivals.SelectMany(static seen => seen.DelaysMs()).Order()];
            return new QuotaFigures(
                model,
                elapsed,
                each.Sum(),
                each,
                Interlocked.Read(ref calls) - callsBefore,
                Interlocked.Read(ref refused) - refusedBefore,
                delays.Length == 0 ? null : delays[delays.Length / 2],
                delays.Length == 0 ? null : delays[delays.Length * 99 / 100]);
        }
        finally
        {
            await Task.WhenAll(hosts.Select(static host => host.StopAsync(CancellationToken.None)));
            hosts.ForEach(static host => host.Dispose());
        }
    }

    // As many bytes as one application could read: none may reach the end.
    private static void Fill(EmbeddedKinesis kinesis, int recordBytes, TimeSpan duration)
    {
        var data = new byte[recordBytes];
        long count = (long)(duration.TotalSeconds * BytesPerSecond / recordBytes) + 1;
        for (long i = 0; i < count; i++)
        {
            kinesis.Put(StreamName, PartitionKey, data);
        }
    }

    private static async Task TrickleAsync(
        EmbeddedKinesis kinesis, int recordBytes, TimeSpan duration, TimeProvider time, CancellationToken cancellationToken)
    {
        var random = new Random(1);
        var data = new byte[recordBytes];
        long started = time.GetTimestamp();
        while (time.GetElapsedTime(started) < duration)
        {
            BinaryPrimitives.WriteInt64LittleEndian(data, time.GetTimestamp());
            kinesis.Put(StreamName, PartitionKey, data);
            await Task.Delay(TimeSpan.FromMilliseconds(200 + (600 * random.NextDouble())), time, cancellationToken);
        }

        await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken);
    }

    private static IHost Host(EmbeddedKinesis kinesis, Arrivals arrivals, int index, ReadMode readMode)
    {
        HostApplicationBuilder builder = LoadTestHost.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(arrivals);
        builder.Services
            .AddFastConsumer(options => options.ApplicationName = string.Create(CultureInfo.InvariantCulture, $"application-{index}"))
            .AddProcessor<QuotaProcessor>(processor =>
            {
                processor.ReadMode = readMode;
                processor.ServiceUrl = kinesis.ServiceUrl;
                processor.Region = kinesis.Region;
                processor.Credentials = new BasicAWSCredentials("embedded", "embedded");
            })
            .UseInMemoryLeases();
        return builder.Build();
    }

    private static MeterListener Listen(Action onRead, Action onThrottled)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name is "fastconsumer.reads" or "fastconsumer.reads.throttled")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>(
            (instrument, _, _, _) => (instrument.Name == "fastconsumer.reads" ? onRead : onThrottled)());
        listener.Start();
        return listener;
    }
}
