using FastConsumer.Tests.Dispatch;
using FastConsumer.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Supervision;

/// <summary>What a worker does where something else blocks every thread of the runtime's own pool.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class StarvedPoolTests : WorkerTest
{
    [Fact]
    public async Task A_starved_pool_is_told_while_it_lasts_and_costs_no_lease()
    {
        Kinesis.CreateStream(Stream, 2);
        await using WorkerHost host = await StartAsync<SyncProcessor>();
        Kinesis.Put(Stream, "key", "before");
        await Eventually.TrueAsync(() => Journal.Done.Count == 1, () => $"{host.Log}");
        using var end = new ManualResetEventSlim();

        // from here to the end this method blocks its own thread too: nothing may wait for the pool
        // queued for all threads: what the pool's new threads take first is this, and not what came later
        const int blocked = 500;
        using var ended = new CountdownEvent(blocked);
        for (int i = 0; i < blocked; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                _ =>
                {
                    end.Wait(TimeSpan.FromMinutes(2), CancellationToken.None);
                    ended.Signal();
                },
                null);
        }

        try
        {
            Assert.True(
                SpinWait.SpinUntil(() => host.Log.Of(2502).Any(), TimeSpan.FromSeconds(60)), $"The starved pool was not told.\n{host.Log}");
            // longer than a lease of 6 s, and the leases are renewed all the same
            Thread.Sleep(TimeSpan.FromSeconds(8));
            Assert.Empty(host.Log.Of(2301));
        }
        finally
        {
            end.Set();
        }

        Assert.True(ended.Wait(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken));
        await host.WaitForLogAsync(2503);
        HealthReport report = await host.Host.Services.GetRequiredService<HealthCheckService>()
            .CheckHealthAsync(static check => check.Tags.Contains("fastconsumer"), TestContext.Current.CancellationToken);
        Assert.Equal(HealthStatus.Healthy, report.Status);
        Kinesis.Put(Stream, "key", "after");
        await Eventually.TrueAsync(() => Journal.Done.Count == 2, () => $"{host.Log}");
        Assert.Empty(host.Log.Of(2301));
    }
}
