using Amazon.DynamoDBv2.Model;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb.Tests.State;

/// <summary>Rows with state in single requests and in batches of statements, on servers whose PartiQL differs.</summary>
public abstract class StateWritesTests(string serviceUrl) : IAsyncLifetime
{
    private const string Life = "0123456789abcdef.00000001";
    private const string Handle = "0123456789abcdef/207:81920:612:0badf00d:c:1780000000:1780000000123";

    private readonly TestTable _table = new(serviceUrl);
    private DynamoDbLeaseStore _store = null!;

    /// <summary>The requests for a batch of three writes.</summary>
    protected abstract int Requests { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = _table.Open();
        await _store.PrepareAsync(Cancellation);
        foreach (string key in new[] { "a", "b", "c" })
        {
            await _table.PutAsync(Rows.Of(new Lease
            {
                LeaseKey = key,
                LeaseOwner = "me",
                LeaseCounter = 4,
                Inherits = ["1>s/1:0:9>x>y", "2>s/2:0:9>x>y"],
                StateVersion = 1,
                Lineage = Life,
            }));
        }
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _table.DisposeAsync();
    }

    [Fact]
    public async Task A_batch_writes_snapshots_on_condition_of_the_life()
    {
        long before = _store.Use.Requests;
        IReadOnlyList<LeaseWrite.Result> results = await _store.WriteAsync(
            [Checkpoint("a", Life), Checkpoint("b", "0123456789abcdef.00000002"), Checkpoint("c", Life)], Cancellation);
        Assert.Equal(
            [LeaseWrite.Outcome.Written, LeaseWrite.Outcome.Refused, LeaseWrite.Outcome.Written],
            results.Select(static result => result.Outcome));
        Assert.Equal(Requests, _store.Use.Requests - before);
        foreach (string key in new[] { "a", "c" })
        {
            Dictionary<string, AttributeValue> row = await _table.RowAsync(key);
            Assert.Equal(
                (Handle, "2", Life, "5", "77"),
                (row["fcS"].S, row["fcV"].N, row["fcL"].S, row["leaseCounter"].N, row["checkpoint"].S));
        }

        Dictionary<string, AttributeValue> refused = await _table.RowAsync("b");
        Assert.Equal(("4", Life), (refused["leaseCounter"].N, refused["fcL"].S));
        Assert.DoesNotContain("fcS", refused.Keys);
    }

    [Fact]
    public async Task The_first_snapshot_removes_what_was_inherited()
    {
        LeaseWrite first = Checkpoint("a", Life) with { Remove = [Lease.Names.Inherits] };
        LeaseWrite.Result result = (await _store.WriteAsync([first], Cancellation))[0];
        Assert.Equal(LeaseWrite.Outcome.Written, result.Outcome);
        Assert.Equal((Handle, 2, Life), (result.Row!.Snapshot, result.Row.StateVersion, result.Row.Lineage));
        Assert.Empty(result.Row.Inherits);
        Assert.DoesNotContain("fcI", (await _table.RowAsync("a")).Keys);
    }

    [Fact]
    public async Task A_row_gets_a_lineage_once()
    {
        await _table.PutAsync(Rows.Of(new Lease { LeaseKey = "d" }));
        LeaseWrite adoption = new()
        {
            LeaseKey = "d",
            If = new Dictionary<string, Lease.Value?> { [Lease.Names.Lineage] = null, [Lease.Names.Snapshot] = null },
            Set = new Dictionary<string, Lease.Value> { [Lease.Names.Lineage] = "x.1" },
        };
        LeaseWrite.Result first = (await _store.WriteAsync([adoption], Cancellation))[0];
        LeaseWrite.Result second = (await _store.WriteAsync(
            [adoption with { Set = new Dictionary<string, Lease.Value> { [Lease.Names.Lineage] = "y.1" } }], Cancellation))[0];
        Assert.Equal((LeaseWrite.Outcome.Written, LeaseWrite.Outcome.Refused), (first.Outcome, second.Outcome));
        Assert.Equal("x.1", (await _table.RowAsync("d"))["fcL"].S);
    }

    [Fact]
    public async Task A_row_that_was_made_anew_is_not_deleted()
    {
        Lease seen = (await _store.GetManyAsync(["a"], ReadConsistency.Strong, Cancellation))[0];
        LeaseWrite.Result refused = await _store.DeleteAsync(seen with { Lineage = "0123456789abcdef.00000002" }, Cancellation);
        Assert.Equal(LeaseWrite.Outcome.Refused, refused.Outcome);
        Assert.NotEmpty(await _table.RowAsync("a"));
        Assert.Equal(LeaseWrite.Outcome.Written, (await _store.DeleteAsync(seen, Cancellation)).Outcome);
        Assert.Empty(await _table.RowAsync("a"));
    }

    private static LeaseWrite Checkpoint(string key, string life) => new()
    {
        LeaseKey = key,
        If = new Dictionary<string, Lease.Value?>
        {
            [Lease.Names.LeaseCounter] = 4,
            [Lease.Names.LeaseOwner] = "me",
            [Lease.Names.Session] = null,
            [Lease.Names.Lineage] = life,
        },
        Set = new Dictionary<string, Lease.Value>
        {
            [Lease.Names.LeaseCounter] = 5,
            [Lease.Names.Checkpoint] = "77",
            [Lease.Names.CheckpointSubSequenceNumber] = 0,
            [Lease.Names.Snapshot] = Handle,
            [Lease.Names.StateVersion] = 2,
        },
    };
}

public sealed class DynoxideStateWritesTests(DynoxideServer server) : StateWritesTests(server.ServiceUrl), IClassFixture<DynoxideServer>
{
    protected override int Requests => 1;
}

/// <summary>A server without PartiQL: the batch fails, and each write goes by itself.</summary>
public sealed class DynaliteStateWritesTests(DynaliteServer server) : StateWritesTests(server.ServiceUrl), IClassFixture<DynaliteServer>
{
    protected override int Requests => 4;
}
