using System.Net;
using System.Text.Json;
using FastConsumer.Dashboard.Tests.Hosting;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Operators;
using FastConsumer.Testing.Leases;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Dashboard.Tests;

/// <summary>What pages are told.</summary>
public sealed class StateTests : DashboardTest
{
    /// <summary>What the state of 1,000 shards may have, in bytes.</summary>
    private const int MostBytes = 512 * 1024;

    [Fact]
    public async Task Own_shards_show_what_the_process_knows_and_those_of_others_what_their_rows_say()
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        Leases.Put(DashboardHost.Application, LeaseOf("worker-2", SecondShard, new ShardReport
        {
            At = now,
            Lag = TimeSpan.FromSeconds(90),
            LossIn = TimeSpan.FromHours(3),
            RecordsPerSecond = 12.5,
            BytesPerSecond = 2048,
            Handling = 0.75,
            State = ShardState.Handling,
            Findings = ["FCF2004"],
        }.Write()));
        await using DashboardHost host = await DashboardHost.StartAsync(
            Kinesis, Leases, static dashboard => dashboard.WorkerUrl = static id => new Uri($"http://{id}:8080/fastconsumer/"));
        JsonElement worker = await host.WorkerAsync(static worker =>
            Mine(DashboardHost.Shard(worker, FirstShard)) && worker.TryGetProperty("retention", out _)
            && DashboardHost.Shard(worker, FirstShard).TryGetProperty("lag", out _));

        JsonElement own = DashboardHost.Shard(worker, FirstShard);
        Assert.Equal("Held", own.GetProperty("status").GetString());
        Assert.Equal(0, own.GetProperty("lag").GetDouble());
        Assert.Equal(86400, worker.GetProperty("retention").GetDouble());
        Assert.True(own.TryGetProperty("checkpointAge", out _));

        JsonElement other = DashboardHost.Shard(worker, SecondShard);
        Assert.False(Mine(other));
        Assert.Equal((90, 10800, 12.5, 0.75, "Handling"), (other.GetProperty("lag").GetDouble(), other.GetProperty("lossIn").GetDouble(),
            other.GetProperty("records").GetDouble(), other.GetProperty("handling").GetDouble(), other.GetProperty("state").GetString()));
        Assert.Equal("FCF2004", other.GetProperty("findings")[0].GetString());
        // a report does not carry it
        Assert.False(other.TryGetProperty("share", out _));
        Assert.False(other.TryGetProperty("checkpointAge", out _));

        JsonElement[] owners = [.. worker.GetProperty("owners").EnumerateArray()];
        Assert.Equal(["worker-1", "worker-2"], owners.Select(static owner => owner.GetProperty("id").GetString()));
        Assert.True(owners[0].GetProperty("isMe").GetBoolean());
        Assert.False(owners[0].TryGetProperty("url", out _));
        Assert.Equal("http://worker-2:8080/fastconsumer/", owners[1].GetProperty("url").GetString());
        Assert.Equal(1, other.GetProperty("owner").GetInt32());
    }

    [Theory]
    [InlineData("javascript:alert(1)")]
    [InlineData("data:text/html,x")]
    [InlineData("/relative")]
    public async Task A_worker_url_that_is_no_web_page_is_no_link(string url)
    {
        Leases.Put(DashboardHost.Application, LeaseOf("worker-2", SecondShard));
        await using DashboardHost host = await DashboardHost.StartAsync(
            Kinesis, Leases, dashboard => dashboard.WorkerUrl = _ => new Uri(url, UriKind.RelativeOrAbsolute));
        JsonElement worker = await host.WorkerAsync(static worker => worker.GetProperty("owners").GetArrayLength() == 2);
        Assert.All(worker.GetProperty("owners").EnumerateArray(), static owner => Assert.False(owner.TryGetProperty("url", out _)));
    }

    /// <summary>What others have written into rows goes out as text: no byte of it can be read as HTML.</summary>
    [Fact]
    public async Task Html_of_others_stays_text()
    {
        const string Hostile = "<img src=x onerror=alert(1)>\"'&";
        Leases.Put(DashboardHost.Application, LeaseOf(Hostile, SecondShard) with
        {
            Standing = OperatorNotes.Write(new Standing(7, "17", "<b>Bad</b>", 3, true)),
            Paused = OperatorNotes.Write(new ShardPause
            {
                By = Hostile,
                Reason = "<script>1</script>",
                At = TimeProvider.System.GetUtcNow(),
            }),
            RequestedBy = "<i>me</i>",
        });
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, options: static options => options.MaxLeases = 1);
        JsonElement worker = await host.WorkerAsync(static worker => worker.GetProperty("owners").GetArrayLength() == 2);
        using HttpResponseMessage answer = await host.Client.GetAsync(new Uri("api/state", UriKind.Relative), Cancellation);
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.ToString());
        string text = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.DoesNotContain('<', text);
        Assert.DoesNotContain('>', text);
        JsonElement shard = DashboardHost.Shard(worker, SecondShard);
        Assert.Equal(Hostile, worker.GetProperty("owners")[shard.GetProperty("owner").GetInt32()].GetProperty("id").GetString());
        Assert.Equal("<b>Bad</b>", shard.GetProperty("failing").GetProperty("error").GetString());
        Assert.Equal(Hostile, shard.GetProperty("pause").GetProperty("by").GetString());
        Assert.Equal("<script>1</script>", shard.GetProperty("pause").GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Settings_are_the_effective_ones_and_hold_no_secret()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(
            Kinesis,
            Leases,
            options: options => options.ServiceUrl = options.ServiceUrl!.Replace("//", "//user:pass@", StringComparison.Ordinal));
        string text = (await host.GetAsync("api/settings")).GetRawText();
        Assert.Contains("\"IdlePollInterval\",\"value\":\"00:00:00.2000000\"", text, StringComparison.Ordinal);
        Assert.Contains(Kinesis.ServiceUrl, text, StringComparison.Ordinal);
        Assert.All(
            [DashboardHost.Secret, DashboardHost.Key, "user", "pass@"],
            secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Several_consumers_of_a_host_are_shown_each_with_its_own_leases()
    {
        Kinesis.CreateStream("more");
        var others = new InMemoryLeaseDatabase();
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, services: services => services
            .AddFastConsumer("second", settings => DashboardHost.Defaults(settings, Kinesis, "another-application"))
            .AddProcessor<TextProcessor>(static own => own.Stream = "more")
            .UseInMemoryLeases(others));
        JsonElement[] consumers = [];
        await Eventually.FoundAsync(
            async () =>
            {
                consumers = [.. (await host.GetAsync("api/state")).GetProperty("consumers").EnumerateArray()];
                return consumers.All(static consumer => consumer.GetProperty("workers")[0].GetProperty("shards").GetArrayLength() > 0)
                    ? consumers
                    : null;
            },
            () => string.Join('\n', consumers));
        Assert.Equal(["", "second"], consumers.Select(static consumer => consumer.GetProperty("name").GetString()));
        Assert.Equal([2, 1], consumers.Select(
            static consumer => consumer.GetProperty("workers")[0].GetProperty("shards").GetArrayLength()));
        Assert.Equal("another-application", consumers[1].GetProperty("workers")[0].GetProperty("application").GetString());
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("api/history?consumer=second&processor=TextProcessor"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync("api/history?consumer=third&processor=TextProcessor"));

        async Task<HttpStatusCode> StatusAsync(string path)
        {
            using HttpResponseMessage answer = await host.Client.GetAsync(new Uri(path, UriKind.Relative), Cancellation);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task A_thousand_shards_are_one_json_below_512_kib()
    {
        string report = new ShardReport
        {
            At = TimeProvider.System.GetUtcNow(),
            Lag = TimeSpan.FromSeconds(12345.6),
            LossIn = TimeSpan.FromSeconds(123456.7),
            RecordsPerSecond = 12345.6,
            BytesPerSecond = 1234567,
            Handling = 0.5,
            State = ShardState.Handling,
            Findings = ["FCF2001", "FCF2004"],
        }.Write();
        for (int i = 2; i < 1002; i++)
        {
            UInt128 first = UInt128.MaxValue / 1002 * (UInt128)i;
            Leases.Put(DashboardHost.Application, LeaseOf($"worker-{2 + (i % 20)}", $"shardId-{i:d12}", report) with
            {
                HashKeyRange = new HashKeyRange(first, first + (UInt128.MaxValue / 1002) - 1),
                Checkpoint = CheckpointPosition.Parse($"49590338271490256608559692538361571095921575989136588{i:d4}"),
            });
        }

        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, options: static options => options.MaxLeases = 2);
        JsonElement worker = await host.WorkerAsync(static worker => worker.GetProperty("shards").GetArrayLength() == 1002);
        byte[] state = await host.Client.GetByteArrayAsync(new Uri("api/state", UriKind.Relative), Cancellation);
        Assert.InRange(state.Length, 1, MostBytes);
        Assert.Equal(21, worker.GetProperty("owners").GetArrayLength());
    }

    private static bool Mine(JsonElement shard) => shard.ValueKind == JsonValueKind.Object && shard.TryGetProperty("mine", out _);
}
