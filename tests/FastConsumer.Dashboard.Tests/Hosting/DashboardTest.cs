using FastConsumer.Leases;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;

namespace FastConsumer.Dashboard.Tests.Hosting;

/// <summary>What each test has: an embedded Kinesis with a stream of two shards, and a lease database.</summary>
public abstract class DashboardTest : IAsyncLifetime
{
    protected const string FirstShard = "shardId-000000000000";
    protected const string SecondShard = "shardId-000000000001";

    private EmbeddedKinesis? _kinesis;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected InMemoryLeaseDatabase Leases { get; } = new();

    protected EmbeddedKinesis Kinesis => _kinesis!;

    public virtual async ValueTask InitializeAsync()
    {
        _kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: Cancellation);
        _kinesis.CreateStream(DashboardHost.Stream, 2);
    }

    public virtual async ValueTask DisposeAsync()
    {
        if (_kinesis is not null)
        {
            await _kinesis.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>A lease that another worker holds for an hour without a sign.</summary>
    protected static Lease LeaseOf(string owner, string shardId, string? report = null) => new()
    {
        LeaseKey = shardId,
        LeaseOwner = owner,
        TakenBy = owner,
        LeaseCounter = 7,
        Session = "another-process/7",
        Duration = TimeSpan.FromHours(1),
        Checkpoint = CheckpointPosition.TrimHorizon,
        StreamName = DashboardHost.Stream,
        Report = report,
    };
}
