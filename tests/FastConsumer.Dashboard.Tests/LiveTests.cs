using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;
using FastConsumer.Dashboard.Feed;
using FastConsumer.Dashboard.Tests.Hosting;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Dashboard.Tests;

/// <summary>Live updates.</summary>
public sealed class LiveTests : DashboardTest
{
    [Fact]
    public async Task A_page_sees_what_happens()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases);
        await using LiveViewer viewer = await LiveViewer.OpenAsync(host.Client);
        await viewer.NextAsync();
        for (int i = 0; i < 20; i++)
        {
            Kinesis.Put(DashboardHost.Stream, $"key-{i}", "text");
        }

        long done = 0;
        await Eventually.FoundAsync(
            async () =>
            {
                JsonElement workers = (await viewer.NextAsync()).GetProperty("consumers")[0].GetProperty("workers");
                done = workers.EnumerateArray().SelectMany(static worker => worker.GetProperty("shards").EnumerateArray())
                    .Sum(static shard => shard.TryGetProperty("done", out JsonElement done) ? done.GetInt64() : 0);
                return done == 20 ? "all" : null;
            },
            () => $"{done} done");
    }

    [Fact]
    public async Task The_ninth_viewer_is_told_why_and_gets_the_place_of_one_who_leaves()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases);
        List<LiveViewer> viewers = [];
        for (int i = 0; i < DashboardHub.MostViewers; i++)
        {
            viewers.Add(await LiveViewer.OpenAsync(host.Client));
        }

        using (HttpResponseMessage ninth = await host.Client.GetAsync(new Uri("api/live", UriKind.Relative), Cancellation))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ninth.StatusCode);
            Assert.Equal(
                "8 pages are updated live already, which is the most. Close one of them.",
                await ninth.Content.ReadAsStringAsync(Cancellation));
        }

        await viewers[3].DisposeAsync();
        await Eventually.FoundAsync(
            async () =>
            {
                using HttpResponseMessage answer = await host.Client.GetAsync(
                    new Uri("api/live", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancellation);
                return answer.IsSuccessStatusCode ? "free" : null;
            },
            static () => "The place was not free again.");
        foreach (LiveViewer viewer in viewers)
        {
            await viewer.DisposeAsync();
        }
    }

    [Fact]
    public async Task One_who_never_reads_holds_up_nobody()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases);
        using RawConnection deaf = await RawConnection.GetAsync(host.Url, $"{DashboardHost.Path}/api/live");
        await using LiveViewer viewer = await LiveViewer.OpenAsync(host.Client);
        DateTimeOffset before = (await viewer.NextAsync()).GetProperty("at").GetDateTimeOffset();
        for (int i = 0; i < 3; i++)
        {
            DateTimeOffset now = (await viewer.NextAsync()).GetProperty("at").GetDateTimeOffset();
            Assert.True(now > before);
            before = now;
        }
    }

    [Fact]
    public async Task A_host_with_open_pages_stops()
    {
        DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases);
        await using LiveViewer viewer = await LiveViewer.OpenAsync(host.Client);
        await viewer.NextAsync();
        Task stop = host.StopAsync();
        await Eventually.WithinAsync(EndAsync());
        await Eventually.TrueAsync(() => stop.IsCompletedSuccessfully, static () => "The host did not stop.");
        await host.DisposeAsync();

        async Task<bool> EndAsync()
        {
            while (await viewer.HasNextAsync())
            {
            }

            return true;
        }
    }

    /// <summary>What a viewer does not take is not made: nothing heaps up for it, and after a while it is dropped.</summary>
    [Fact]
    public async Task Nothing_is_made_for_one_who_takes_nothing()
    {
        var clock = new ManualClock();
        await using ServiceProvider services = new ServiceCollection()
            .AddLogging().AddSingleton<TimeProvider>(clock).BuildServiceProvider();
        using var hub = new DashboardHub([], new FastConsumerDashboardOptions(), services);
        Assert.Equal(0, hub.StatesMade);
        int dropped = 0;
        await using IAsyncEnumerator<SseItem<byte[]>> states =
            hub.StatesAsync(() => dropped++, Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await states.MoveNextAsync());
        clock.Advance(DashboardHub.Patience - TimeSpan.FromSeconds(1));
        Assert.Equal((1, 0), (hub.StatesMade, dropped));

        // it takes the next one in time, so it has all of its time again
        ValueTask<bool> next = states.MoveNextAsync();
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await next);
        clock.Advance(DashboardHub.Patience - TimeSpan.FromSeconds(1));
        Assert.Equal((2, 0), (hub.StatesMade, dropped));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((2, 1), (hub.StatesMade, dropped));
    }

    [Fact]
    public async Task Viewers_of_the_same_moment_share_one_state()
    {
        var clock = new ManualClock();
        await using ServiceProvider services = new ServiceCollection()
            .AddLogging().AddSingleton<TimeProvider>(clock).BuildServiceProvider();
        using var hub = new DashboardHub([], new FastConsumerDashboardOptions(), services);
        byte[] first = hub.State();
        Assert.Same(first, hub.State());
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.NotSame(first, hub.State());
        Assert.Equal(2, hub.StatesMade);
    }
}
