using System.Diagnostics.Metrics;
using System.Text.Json;
using static FastConsumer.CloudWatch.Tests.Tags;

namespace FastConsumer.CloudWatch.Tests;

/// <summary>Which lines become of which measurements. The first interval ends at 2026-01-01 00:01:00 of the manual clock.</summary>
public sealed class LineTests
{
    [Fact]
    public async Task Measurements_become_kcls_metrics()
    {
        await using TestHost host = await TestHost.StartAsync();
        Measure(host);

        string[] lines = await host.NextAsync();

        Assert.Equal(
        [
            """{"_aws":{"Timestamp":1767225660000,"CloudWatchMetrics":[{"Namespace":"billing","Dimensions":[["Operation"]],"Metrics":[{"Name":"RecordsProcessed","Unit":"Count"},{"Name":"DataBytesProcessed","Unit":"Bytes"},{"Name":"MillisBehindLatest","Unit":"Milliseconds"},{"Name":"RecordsFailedProcessing","Unit":"Count"},{"Name":"UpdateLease.Success","Unit":"Count"},{"Name":"RecordProcessor.processRecords.Time","Unit":"Milliseconds"},{"Name":"KinesisDataFetcher.getRecords.Time","Unit":"Milliseconds"},{"Name":"KinesisDataFetcher.getRecords.Success","Unit":"Count"},{"Name":"ExpiredIterator","Unit":"Count"}]}]},"Operation":"ProcessTask","RecordsProcessed":15,"DataBytesProcessed":4096,"MillisBehindLatest":[250,1500.5],"RecordsFailedProcessing":1,"UpdateLease.Success":3,"RecordProcessor.processRecords.Time":[12.5,0.051],"KinesisDataFetcher.getRecords.Time":[8,30,9],"KinesisDataFetcher.getRecords.Success":2,"ExpiredIterator":0}""",
            """{"_aws":{"Timestamp":1767225660000,"CloudWatchMetrics":[{"Namespace":"billing","Dimensions":[["Operation"]],"Metrics":[{"Name":"MillisBehindLatest","Unit":"Milliseconds"}]}]},"Operation":"ApplicationTracker","MillisBehindLatest":1500.5}""",
            """{"_aws":{"Timestamp":1767225660000,"CloudWatchMetrics":[{"Namespace":"billing","Dimensions":[["Operation"]],"Metrics":[{"Name":"CurrentLeases","Unit":"Count"},{"Name":"LostLeases","Unit":"Count"}]}]},"Operation":"RenewAllLeases","CurrentLeases":2,"LostLeases":1}""",
            """{"_aws":{"Timestamp":1767225660000,"CloudWatchMetrics":[{"Namespace":"billing","Dimensions":[["Operation"]],"Metrics":[{"Name":"TakenLeases","Unit":"Count"},{"Name":"ExpiredLeases","Unit":"Count"}]}]},"Operation":"TakeLeases","TakenLeases":2,"ExpiredLeases":4}""",
            """{"_aws":{"Timestamp":1767225660000,"CloudWatchMetrics":[{"Namespace":"billing","Dimensions":[["Operation"]],"Metrics":[{"Name":"ExpiredLeases","Unit":"Count"}]}]},"Operation":"LeaseAssignmentManager","ExpiredLeases":4}""",
        ], lines);
    }

    [Fact]
    public async Task Metrics_of_shards_have_their_ids_where_that_is_asked_for()
    {
        await using TestHost host = await TestHost.StartAsync(static options => options.ShardDimension = true);
        Measure(host);

        string[] lines = await host.NextAsync();

        const string ByShard = """{"_aws":{"Timestamp":1767225660000,"CloudWatchMetrics":[{"Namespace":"billing","Dimensions":[["Operation"],["Operation","ShardId"]],"Metrics":[{"Name":"RecordsProcessed","Unit":"Count"},{"Name":"DataBytesProcessed","Unit":"Bytes"},{"Name":"MillisBehindLatest","Unit":"Milliseconds"},{"Name":"RecordsFailedProcessing","Unit":"Count"},{"Name":"UpdateLease.Success","Unit":"Count"}]}]},"Operation":"ProcessTask","ShardId":"shardId-00000000000""";
        Assert.Equal(
        [
            """{"_aws":{"Timestamp":1767225660000,"CloudWatchMetrics":[{"Namespace":"billing","Dimensions":[["Operation"]],"Metrics":[{"Name":"RecordProcessor.processRecords.Time","Unit":"Milliseconds"},{"Name":"KinesisDataFetcher.getRecords.Time","Unit":"Milliseconds"},{"Name":"KinesisDataFetcher.getRecords.Success","Unit":"Count"},{"Name":"ExpiredIterator","Unit":"Count"}]}]},"Operation":"ProcessTask","RecordProcessor.processRecords.Time":[12.5,0.051],"KinesisDataFetcher.getRecords.Time":[8,30,9],"KinesisDataFetcher.getRecords.Success":2,"ExpiredIterator":0}""",
            ByShard + """0","RecordsProcessed":10,"DataBytesProcessed":4096,"MillisBehindLatest":250,"RecordsFailedProcessing":0,"UpdateLease.Success":3}""",
            ByShard + """1","RecordsProcessed":5,"DataBytesProcessed":0,"MillisBehindLatest":1500.5,"RecordsFailedProcessing":1,"UpdateLease.Success":0}""",
        ], lines[..3]);
        Assert.Equal(
            ["ProcessTask", "ProcessTask", "ProcessTask", "ApplicationTracker", "RenewAllLeases", "TakeLeases", "LeaseAssignmentManager"],
            lines.Select(static line => Text(line, "Operation")));
    }

    [Fact]
    public async Task A_count_is_that_of_its_interval_and_0_while_a_worker_runs()
    {
        await using TestHost host = await TestHost.StartAsync(static options => options.ShardDimension = true);
        bool isRunning = true;
        host.Observe(KclMetric.UnreadShards, () => isRunning ? [new Measurement<long>(0, App())] : Array.Empty<Measurement<long>>());
        host.Count("fastconsumer.records.done", 7, App(), Shard(3));

        Assert.Equal([7.0], Values(await host.NextAsync(), "RecordsProcessed"));
        // no shard is there any more, so the count has no shard either
        Assert.Equal([0.0], Values(await host.NextAsync(), "RecordsProcessed"));
        Assert.Equal([0.0], Values(await host.NextAsync(), "CurrentLeases"));
        host.Count("fastconsumer.records.done", 2, App(), Shard(3));
        Assert.Equal([0.0], Values(await host.NextAsync(), "LostLeases"));

        isRunning = false;
        host.Count("fastconsumer.records.done", 4, App(), Shard(3));
        string line = Assert.Single(await host.NextAsync());
        Assert.Equal([4.0], Values([line], "RecordsProcessed"));
        Assert.DoesNotContain("TakenLeases", line, StringComparison.Ordinal);

        // nobody runs, and nothing is written
        host.Clock.Advance(TimeSpan.FromMinutes(10));
        await host.StopAsync();
        Assert.True(host.Sink.IsEmpty);
    }

    [Fact]
    public async Task An_application_has_its_namespace()
    {
        await using TestHost host = await TestHost.StartAsync();
        host.Count("fastconsumer.records.done", 1, App("b"));
        host.Count("fastconsumer.records.done", 2, App("a"));

        string[] lines = await host.NextAsync();

        Assert.Equal(["a", "b"], lines.Select(Namespace));
        Assert.Equal([2.0, 1.0], Values(lines, "RecordsProcessed"));
    }

    [Fact]
    public async Task A_namespace_of_the_users_is_that_of_all()
    {
        await using TestHost host = await TestHost.StartAsync(static options => options.Namespace = "Shop/Streams");
        host.Count("fastconsumer.records.done", 1, App("b"));
        host.Count("fastconsumer.records.done", 2, App("a"));

        string line = Assert.Single(await host.NextAsync());

        Assert.Equal("Shop/Streams", Namespace(line));
        Assert.Equal([3.0], Values([line], "RecordsProcessed"));
    }

    [Fact]
    public async Task What_is_not_finite_or_of_no_application_or_not_kcls_is_left_out()
    {
        await using TestHost host = await TestHost.StartAsync();
        host.Record("messaging.process.duration", double.PositiveInfinity, App());
        host.Record("messaging.process.duration", double.NaN, App());
        host.Count("fastconsumer.records.done", 9);
        host.Count("fastconsumer.records.read", 9, App());
        host.Record("messaging.process.duration", 0.001, App());

        string line = Assert.Single(await host.NextAsync());

        Assert.EndsWith("""ProcessTask","RecordProcessor.processRecords.Time":1}""", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_hosts_consumers_are_not_listened_to()
    {
        await using TestHost host = await TestHost.StartAsync();
        await using TestHost other = await TestHost.StartAsync();
        host.Count("fastconsumer.records.done", 1, App());
        other.Count("fastconsumer.records.done", 100, App());

        Assert.Equal([1.0], Values(await host.NextAsync(), "RecordsProcessed"));
        Assert.Equal([100.0], Values(await other.NextAsync(), "RecordsProcessed"));
    }

    [Fact]
    public async Task An_instrument_that_fails_does_not_keep_the_others_back()
    {
        await using TestHost host = await TestHost.StartAsync();
        host.Observe<long>(KclMetric.UnreadShards, static () => throw new InvalidOperationException("not now"));
        host.Observe<double>("fastconsumer.millis_behind_latest", static () => [new Measurement<double>(5, App())]);

        Assert.Equal([5.0, 5.0], Values(await host.NextAsync(), "MillisBehindLatest"));
        await host.NextAsync();

        // once a minute
        Assert.Equal([2702, 2702], host.Log.Entries.Select(static entry => entry.Id));
    }

    [Fact]
    public async Task A_measurement_of_what_is_known_allocates_nothing()
    {
        await using TestHost host = await TestHost.StartAsync(static options => options.ShardDimension = true);
        Counter<long> counter = host.Counter("fastconsumer.records.done");
        KeyValuePair<string, object?> application = App();
        KeyValuePair<string, object?> shard = Shard(0);
        void Measure(int times)
        {
            for (int i = 0; i < times; i++)
            {
                counter.Add(1, application, shard);
            }
        }

        // fills what is kept of a series
        Measure(2000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Measure(1000);

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal([3000.0], Values(await host.NextAsync(), "RecordsProcessed"));
    }

    [Fact]
    public async Task A_stop_writes_the_rest()
    {
        await using TestHost host = await TestHost.StartAsync();
        host.Count("fastconsumer.records.done", 5, App());
        await host.NextAsync();
        host.Count("fastconsumer.records.done", 6, App());

        await host.StopAsync();

        Assert.Equal([6.0], Values(await host.Sink.NextAsync(), "RecordsProcessed"));
    }

    private static void Measure(TestHost host)
    {
        host.Count("fastconsumer.records.done", 4, App(), Shard(0));
        host.Count("fastconsumer.records.done", 6, App(), Shard(0));
        host.Count("fastconsumer.records.done", 5, App(), Shard(1));
        host.Count("fastconsumer.bytes.read", 4096, App(), Shard(0));
        host.Count("fastconsumer.checkpoints", 3, App(), Shard(0));
        host.Count("fastconsumer.handler.failures", 1, App(), Shard(1));
        host.Count("fastconsumer.leases.taken", 2, App());
        host.Count("fastconsumer.leases.lost", 1, App());
        host.Record("messaging.process.duration", 0.0125, App());
        host.Record("messaging.process.duration", 0.0000512, App(), Error("System.FormatException"));
        host.Record("fastconsumer.read.duration", 0.008, App());
        host.Record("fastconsumer.read.duration", 0.03, App(), Error("ExpiredIteratorException"));
        host.Record("fastconsumer.read.duration", 0.009, App());
        host.Observe<double>("fastconsumer.millis_behind_latest",
            static () => [new Measurement<double>(250, App(), Shard(0)), new Measurement<double>(1500.5, App(), Shard(1))]);
        host.Observe<long>(KclMetric.Leases,
            static () => [new Measurement<long>(1, App(), Shard(0)), new Measurement<long>(1, App(), Shard(1))]);
        host.Observe<long>(KclMetric.UnreadShards, static () => [new Measurement<long>(4, App())]);
    }

    private static string Text(string line, string name) => JsonDocument.Parse(line).RootElement.GetProperty(name).GetString()!;

    private static string Namespace(string line) =>
        JsonDocument.Parse(line).RootElement.GetProperty("_aws").GetProperty("CloudWatchMetrics")[0].GetProperty("Namespace").GetString()!;

    private static IReadOnlyList<double> Values(IEnumerable<string> lines, string metric) =>
        [.. lines.Select(static line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.TryGetProperty(metric, out _)).Select(line => line.GetProperty(metric).GetDouble())];
}
