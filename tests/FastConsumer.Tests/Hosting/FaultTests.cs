using FastConsumer.Testing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

public sealed class FaultTests : WorkerTest
{
    // small pages, so that many calls meet a fault
    private const int Limit = 20;

    [Theory]
    [InlineData("throttle")]
    [InlineData("error")]
    [InlineData("cut before")]
    [InlineData("cut in the middle")]
    [InlineData("expire")]
    [InlineData("invalid iterator")]
    [InlineData("delay")]
    [InlineData("all")]
    public async Task Nothing_is_lost_repeated_or_out_of_order(string fault)
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        List<string> texts = Put(300);
        Script(fault);
        await using (WorkerHost host = await StartAsync(static options => options.Limit = Limit))
        {
            await Eventually.TrueAsync(() => Journal.Done.Count >= 50, () => host.Log.ToString());
            Script(fault);
            texts.AddRange(Put(100));
            await Journal.WaitForAsync(texts, host.Log);
            Kinesis.Faults.Clear();
            await host.WaitForHealthAsync(HealthStatus.Healthy);
        }

        Journal.AssertEachOnce(texts);
        AssertReleasedAtWhatIsDone();
    }

    [Fact]
    public async Task Faults_on_the_way_to_the_shards_are_said_and_overcome()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        List<string> texts = Put(20);
        Kinesis.Faults.Fail("ListShards", "AccessDeniedException", times: 1);
        Kinesis.Faults.Fail("GetShardIterator", "InternalFailure", status: 500, times: 2);
        await using WorkerHost host = await StartAsync();
        await Journal.WaitForAsync(texts, host.Log);
        Assert.Contains("kinesis:ListShards", (await host.WaitForLogAsync(2330)).Error!.Message, StringComparison.Ordinal);
        await host.WaitForHealthAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task A_permission_that_is_missing_makes_health_unhealthy_and_names_it()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Faults.Fail("GetRecords", "AccessDeniedException", times: int.MaxValue);
        await using WorkerHost host = await StartAsync();
        Assert.Contains("kinesis:GetRecords", await host.WaitForHealthAsync(HealthStatus.Unhealthy), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Iterators_that_expire_again_and_again_are_said()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Faults.Fail("GetRecords", "ExpiredIteratorException", times: int.MaxValue);
        await using WorkerHost host = await StartAsync();
        await host.WaitForHealthAsync(HealthStatus.Degraded);
        Kinesis.Faults.Clear();
        List<string> texts = Put(3);
        await Journal.WaitForAsync(texts, host.Log);
        await host.WaitForHealthAsync(HealthStatus.Healthy);
    }

    private void Script(string fault)
    {
        FaultScript faults = Kinesis.Faults;
        if (fault is "throttle" or "all")
        {
            faults.Fail("GetRecords", "ProvisionedThroughputExceededException", times: 2);
        }

        if (fault is "error" or "all")
        {
            faults.Fail("GetRecords", "InternalFailure", status: 500, times: 6);
            faults.Fail("GetShardIterator", "InternalFailure", status: 500, times: 2);
        }

        if (fault is "expire" or "all")
        {
            faults.Fail("GetRecords", "ExpiredIteratorException", times: 3);
        }

        if (fault is "invalid iterator" or "all")
        {
            faults.Fail("GetRecords", "InvalidArgumentException", times: 3);
        }

        if (fault is "cut before" or "all")
        {
            faults.Cut("GetRecords", times: 3);
        }

        if (fault is "cut in the middle" or "all")
        {
            faults.Cut("GetRecords", times: 2, afterBytes: 0);
            faults.Cut("GetRecords", times: 2, afterBytes: 200);
            faults.Cut("GetRecords", times: 2, afterBytes: 1500);
        }

        if (fault is "delay" or "all")
        {
            faults.Delay("GetRecords", TimeSpan.FromMilliseconds(300), times: 4);
        }
    }
}
