using System.Collections.Concurrent;
using System.IO.Compression;
using System.Reflection;
using System.Text.RegularExpressions;
using Avro.Generic;
using Avro.IO;
using CloudNative.CloudEvents;
using FastConsumer.Testing.Harness;
using Microsoft.Extensions.DependencyInjection;
using Nerdbank.MessagePack;

namespace FastConsumer.Payloads.Tests;

/// <summary>The page on payloads: its code is what is compiled and run here.</summary>
public sealed partial class PayloadPageTests
{
    [Fact]
    public void The_pages_code_is_the_samples()
    {
        string page = File.ReadAllText(Metadata("Page")).ReplaceLineEndings("\n");
        string[] samples = [.. Directory.GetFiles(Path.Combine(Metadata("ProjectDirectory"), "Samples"), "*.cs")
            .Select(static file => File.ReadAllText(file).ReplaceLineEndings("\n").Trim())];
        string[] blocks = [.. CodeBlock().Matches(page).Select(static match => match.Groups[1].Value.Trim())];
        Assert.Equal(samples.Order(StringComparer.Ordinal), blocks.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Compressed_json()
    {
        var orders = new ConcurrentQueue<Order>();
        await RunAsync<CompressedOrders, ConcurrentQueue<Order>>(
            orders, Gzip("""{"Id":"o1","Amount":12.5}"""u8), """{"Id":"o2","Amount":1}"""u8.ToArray());
        Assert.Equal([new Order("o1", 12.5m), new Order("o2", 1)], orders);
    }

    [Fact]
    public async Task Logs_of_cloudwatch()
    {
        var lines = new ConcurrentQueue<string>();
        byte[] control = Gzip("""{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."}]}"""u8);
        byte[] data = Gzip("""{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/app","logStream":"web","subscriptionFilters":["all"],"logEvents":[{"id":"3195310660696698337880902507980421114328961542429","timestamp":1432826855000,"message":"hello"}]}"""u8);
        await RunAsync<Logs, ConcurrentQueue<string>>(lines, control, data);
        Assert.Contains("/app 2015-05-28T15:27:35.0000000+00:00 hello", lines);
    }

    [Fact]
    public async Task Avro()
    {
        var payment = new GenericRecord((global::Avro.RecordSchema)AvroPaymentReader.Schema);
        payment.Add("id", "p1");
        payment.Add("cents", 1250L);
        using var stream = new MemoryStream();
        new GenericDatumWriter<GenericRecord>(AvroPaymentReader.Schema).Write(payment, new BinaryEncoder(stream));
        var cents = new ConcurrentQueue<long>();
        await RunAsync<AvroPayments, ConcurrentQueue<long>>(cents, stream.ToArray());
        Assert.Equal([1250L], cents);
    }

    [Fact]
    public async Task MessagePack()
    {
        var readings = new ConcurrentQueue<Measurement>();
        await RunAsync<MessagePackReadings, ConcurrentQueue<Measurement>>(
            readings, new MessagePackSerializer().Serialize(new Measurement("s1", 0.5), TestContext.Current.CancellationToken));
        Assert.Equal([new Measurement("s1", 0.5)], readings);
    }

    [Fact]
    public async Task Cloud_events()
    {
        var events = new ConcurrentQueue<CloudEvent>();
        await RunAsync<Events, ConcurrentQueue<CloudEvent>>(events, """{"specversion":"1.0","id":"e1","source":"/shop","type":"order.placed","datacontenttype":"application/json","data":{"id":"o1"}}"""u8.ToArray());
        CloudEvent placed = Assert.Single(events);
        Assert.Equal(("e1", "order.placed"), (placed.Id, placed.Type));
    }

    internal static byte[] Gzip(ReadOnlySpan<byte> payload)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Optimal))
        {
            gzip.Write(payload);
        }

        return compressed.ToArray();
    }

    private static async Task RunAsync<TProcessor, TSeen>(TSeen seen, params byte[][] payloads)
        where TProcessor : class, Processors.IKinesisProcessor<TProcessor>
        where TSeen : class
    {
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<TProcessor>(services => services.AddSingleton(seen));
        foreach (byte[] payload in payloads)
        {
            harness.Put("key", payload);
        }

        await harness.WaitUntilDoneAsync();
    }

    private static string Metadata(string key) =>
        typeof(PayloadPageTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();
}
