using FastConsumer.Hosting;
using FastConsumer.Leases;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

/// <summary>A worker that cannot start says which step fails, how bad it is and what helps, and does not flood the log.</summary>
public sealed class StartPreparationTests : WorkerTest
{
    [Fact]
    public async Task What_goes_on_failing_has_its_stack_in_the_log_once()
    {
        await using WorkerHost host = await StartAsync();
        await Eventually.TrueAsync(() => host.Log.Of(2401).Count() >= 3, () => host.Log.ToString());
        LogEntry[] failures = [.. host.Log.Of(2401).Take(3)];
        Assert.NotNull(failures[0].Error);
        Assert.All(failures[1..], static failure => Assert.Null(failure.Error));
        Assert.Contains("for the 3rd time", failures[2].Message, StringComparison.Ordinal);
        Assert.All(
            failures, static failure => Assert.Contains("describing stream events failed", failure.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_step_of_the_lease_store_is_named_as_such()
    {
        Kinesis.CreateStream(Stream);
        var store = new ScriptedLeaseStoreFactory(Leases);
        store.Store.BeforeAnyOther = static _ => throw new LeaseStoreException("dynamodb:CreateTable is denied.", isTransient: false);
        await using WorkerHost host = await StartAsync(store: store);
        string description = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains(
            "preparing the in-memory lease table 'tests' failed. dynamodb:CreateTable is denied.", description, StringComparison.Ordinal);
        Assert.Contains("no shard is read meanwhile", description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_asks_for_patience_is_no_reason_to_act()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Faults.Fail("DescribeStreamSummary", "LimitExceededException", times: int.MaxValue);
        await using WorkerHost host = await StartAsync();
        await host.WaitForHealthAsync(HealthStatus.Degraded);
        Kinesis.Faults.Clear();
        await host.WaitForHealthAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task A_shard_with_a_checkpoint_does_not_use_the_start_position_and_that_is_said()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(3, keys: 1);
        await using (WorkerHost first = await StartAsync())
        {
            await Journal.WaitForAsync(texts, first.Log);
            Assert.Contains("as StartPosition (TrimHorizon) says", Assert.Single(first.Log.Of(2409)).Message, StringComparison.Ordinal);
        }

        await using WorkerHost next = await StartAsync(static options => options.StartPosition = StartPosition.Latest);
        LogEntry starts = await next.WaitForLogAsync(2409);
        Assert.Equal(
            "EventProcessor starts on stream events: Shard shardId-000000000000 goes on after its checkpoint, so StartPosition "
                + "(Latest) is not used for it.",
            starts.Message);
    }

    [Fact]
    public async Task A_worker_says_at_its_start_which_shard_another_one_holds()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost first = await StartAsync();
        await first.WaitForLogAsync(2300);

        await using WorkerHost next = await StartAsync();

        LogEntry starts = await next.WaitForLogAsync(2409);
        Assert.Contains(" Another worker holds one shard (shardId-000000000000 by ", starts.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Another worker", Assert.Single(first.Log.Of(2409)).Message, StringComparison.Ordinal);
    }
}
