using FastConsumer.Dashboard.Tests.Hosting;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;

namespace FastConsumer.Dashboard.BrowserTests;

/// <summary>
/// Two shards of this process, one of which has stopped; others are elsewhere: one of theirs was split, two were merged. One for all tests
/// of a class, which only look.
/// </summary>
public sealed class FleetHost : IAsyncLifetime
{
    private readonly InMemoryLeaseDatabase _leases = new();
    private EmbeddedKinesis? _kinesis;
    private DashboardHost? _host;

    public Uri Url => _host!.Url;

    public async ValueTask InitializeAsync()
    {
        _kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: TestContext.Current.CancellationToken);
        _kinesis.CreateStream(DashboardHost.Stream, 8);
        _kinesis.SplitShard(DashboardHost.Stream, "shardId-000000000003");
        _kinesis.MergeShards(DashboardHost.Stream, "shardId-000000000005", "shardId-000000000006");
        Report();
        _kinesis.Put(DashboardHost.Stream, "a", "before", UInt128.Zero);
        _kinesis.Put(DashboardHost.Stream, "a", "poison", UInt128.Zero);
        _host = await DashboardHost.StartAsync(
            _kinesis,
            _leases,
            static dashboard =>
            {
                dashboard.AllowActions = true;
                dashboard.WorkerUrl = static id => new Uri($"http://{id}.example/fastconsumer/");
                dashboard.DocumentationUrl = new Uri("https://docs.example/");
            },
            static options => options.MaxLeases = 2);
        await _host.WorkerAsync(static worker => worker.GetProperty("shards").EnumerateArray()
            .Any(static shard => shard.GetProperty("status").GetString() == "Stopped" && shard.TryGetProperty("failing", out _)));
    }

    /// <summary>The workers elsewhere report again: what was said long ago is not shown.</summary>
    public void Report() => Fleet.GiveToOthers(_leases, _kinesis!, own: 2, workers: 3);

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }

        if (_kinesis is not null)
        {
            await _kinesis.DisposeAsync();
        }
    }
}
